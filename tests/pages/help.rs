//! The programs on the help page, run by what they are written for. `./test` installs those that are
//! not too large for that; Go's and Rust's are only read.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::desk::Desk;
use crate::support::folder::Folder;
use crate::support::{both_databases, pass_over};

/// What the page shows for a language, as it is copied.
fn program(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("<summary>{language}</summary>")).expect(language);
    let (_, rest) = rest.split_once("<code>").unwrap();
    let text = rest.split_once("</code>").unwrap().0;
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    signs.iter().fold(text.to_owned(), |text, (written, sign)| text.replace(written, sign))
}

/// Whether a program is on this machine. Where all have to be, a missing one is a failure.
fn is_here(name: &str) -> bool {
    let is_here = Command::new(name).arg("--version").output().is_ok();
    if !is_here {
        pass_over(&format!("the help's program for {name} is not run: run ./test"));
    }
    is_here
}

both_databases! {
    async fn the_programs_of_the_help_tell_how_they_end(database) {
        let mut desk = Desk::open(database).await;
        let home = Folder::new();
        for (language, runs, file, work, breaks) in [
            ("Node.js", "node", "job.mjs", "// Put your work here.", "throw new Error('no')"),
            ("PHP", "php", "job.php", "// Put your work here.", "throw new Exception('no');"),
            ("Ruby", "ruby", "job.rb", "# Put your work here.", "raise 'no'"),
        ] {
            if !is_here(runs) {
                continue;
            }
            for (change, status) in [("", "up"), (breaks, "down")] {
                let check = desk.api.check("It's a <job> & \"more\"", json!({})).await;
                let page = desk.get(&format!("/help?check={}", check["check_id"])).await;
                let text = program(page.text(), language).replace(work, change);
                assert!(text.contains(check["uuid"].as_str().unwrap()), "{text}");
                // The server can't know its port before it has one.
                let text = text.replace("http://localhost:8000", &desk.api.base);
                fs::write(home.file(file), text).unwrap();
                let mut command = Command::new(runs);
                command.arg(home.file(file)).env("no_proxy", "*");
                let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
                let output = output.unwrap();
                assert_eq!(output.status.success(), status == "up", "{language}: {output:?}");
                let check = desk.api.get(&desk.api.check_path(&check, "")).await.ok();
                assert_eq!(check["status"], status, "{language}: {output:?}");
                assert_eq!(check["n_pings"], 2, "{language}: {output:?}");
            }
        }
        let page = desk.get("/help").await;
        for language in ["Go", "Rust"] {
            assert!(program(page.text(), language).contains("/start"), "{language}");
        }
    }
}
