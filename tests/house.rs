//! The house: which room may use which, held by reading the `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order of dependency, as `src/lib.rs` lists them.
fn rooms() -> Vec<String> {
    let map = fs::read_to_string("src/lib.rs").unwrap();
    let lines = map.lines().filter_map(|line| line.strip_prefix("pub mod "));
    lines.map(|rest| rest.trim_end_matches(';').to_owned()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Every file of `src`, each with its path below it and its code without tests.
fn files() -> BTreeMap<String, String> {
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix("src").unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (name, code)
    });
    named.filter(|(name, _)| !name.ends_with("tests.rs")).collect()
}

/// What a file names of the crate: `crate::a::b::…`, each path once, groups opened one level.
fn names(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line_start = code[..at].rfind('\n').map_or(0, |i| i + 1);
        if code[line_start..at].trim_start().starts_with("//") {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = &group[..group.find(';').unwrap_or(group.len())];
            names.extend(group.split(',').map(|part| part.trim().to_owned()));
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            names.push(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    names
}

#[test]
fn each_room_uses_only_those_before_it() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    let place = |room: &str| rooms.iter().position(|each| each == room);
    let mut wrong = Vec::new();
    for (file, code) in files() {
        let own = file.split(['/', '.']).next().unwrap();
        let Some(own_place) = place(own) else { continue };
        for name in names(&code) {
            let used = name.split("::").next().unwrap();
            if place(used).is_some_and(|used| used > own_place) {
                wrong.push(format!("src/{file} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_domain_knows_no_sql_no_http_and_no_async() {
    for (file, code) in files().iter().filter(|(file, _)| file.starts_with("domain/")) {
        for word in ["sqlx", "axum", "hyper", "http::", "tokio", "async fn", "reqwest"] {
            assert!(!code.contains(word), "src/{file} mentions {word}");
        }
    }
}

#[test]
fn sql_is_written_in_the_store_alone() {
    for (file, code) in files().iter().filter(|(file, _)| !file.starts_with("store/")) {
        for word in ["sqlx::query", "\"SELECT ", "\"UPDATE ", "\"INSERT ", "\"DELETE FROM"] {
            assert!(!code.contains(word), "src/{file} contains {word}");
        }
    }
}

#[test]
fn only_the_dialect_file_asks_which_database_it_is() {
    let may = ["store/mod.rs", "store/tx.rs", "store/dialect.rs"];
    for (file, code) in files().iter().filter(|(file, _)| !may.contains(&file.as_str())) {
        for word in ["Db::Sqlite", "Db::Postgres", "Link::"] {
            assert!(!code.contains(word), "src/{file} contains {word}");
        }
    }
}

#[test]
fn dialects_do_not_use_each_other() {
    let dialects = ["management", "healthchecks", "monitor", "jobs", "pages"];
    for (file, code) in files() {
        let Some(own) = file.strip_prefix("http/").and_then(|rest| rest.split('/').next()) else {
            continue;
        };
        for other in dialects.iter().filter(|other| **other != own) {
            let named = names(&code).iter().any(|name| name.starts_with(&format!("http::{other}")));
            assert!(!named || file == "http/mod.rs", "src/{file} uses http::{other}");
        }
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("migrations/sqlite"), names("migrations/postgres"));
}

#[test]
fn what_is_sealed_in_the_database_is_known_to_the_rotation_of_the_key() {
    let mut sealed = BTreeSet::new();
    for entry in fs::read_dir("migrations/sqlite").unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        sealed.extend(words.filter(|word| word.starts_with("sealed_")).map(str::to_owned));
    }
    let rotation = fs::read_to_string("src/service/keys.rs").unwrap();
    assert!(!sealed.is_empty());
    for column in sealed {
        assert!(rotation.contains(&column), "src/service/keys.rs must seal {column} anew");
    }
}

#[test]
fn the_lock_file_names_the_public_registry_alone() {
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
}
