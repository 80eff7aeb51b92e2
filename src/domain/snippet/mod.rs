//! Ready snippets: a job that tells its check when it begins and how it ends, in seven languages,
//! one file each. Whatever the language, a ping gives up after a while, never fails the job, and
//! leaves the job's exit status as it was.
//!
//! Names come from strangers, and so does what follows from them: [`Job::new`] lets through what
//! means nothing in any of the seven languages, and nothing else. URLs are percent-encoded the same
//! way, so that they can stand between quotes anywhere.

mod bash;
mod crontab;
mod docker;
mod kubernetes;
mod powershell;
mod programs;
mod python;
mod shell;
mod systemd;
mod timing;

use std::fmt::Write as _;

use super::{slug, text_enum};

text_enum! {
    /// What a snippet is written in.
    Language {
        /// A line of a crontab.
        Crontab => "crontab",
        /// A script.
        Bash => "bash",
        /// A script for Windows `PowerShell` 5.1 and later.
        Powershell => "powershell",
        /// A script of Python 3 with nothing but its own library.
        Python => "python",
        /// A service and a timer.
        Systemd => "systemd",
        /// A service of a compose file.
        Docker => "docker",
        /// A `CronJob`.
        Kubernetes => "kubernetes",
    }
}

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Every so many seconds.
    Every(i64),
    /// At the times of a cron expression in a time zone.
    Cron {
        /// Its five fields, or an @-name.
        expression: String,
        /// An IANA name.
        timezone: String,
    },
    /// At the times of systemd's calendar expressions, one a line, in a time zone.
    OnCalendar {
        /// The lines.
        expression: String,
        /// An IANA name.
        timezone: String,
    },
}

/// What a snippet is made of, all of it harmless in every language.
#[derive(Clone, Debug)]
pub struct Job {
    /// The check's name: letters, digits, spaces and a few signs, on one line, never empty.
    name: String,
    /// What files and services are called: `job-` and `[a-z0-9-]`.
    unit: String,
    /// The check's ping URL, without a slash at its end.
    url: String,
    /// Pings are sent by POST.
    post: bool,
    when: When,
}

impl Job {
    /// The job of a check with this name, ping URL (ASCII, as `url` writes it) and schedule. `post`:
    /// only POST counts as a ping.
    #[must_use]
    pub fn new(name: &str, ping_url: &str, post: bool, when: When) -> Self {
        let part = slug::derive(name).replace('_', "-");
        let part = part[..part.len().min(40)].trim_matches('-');
        let unit = if part.is_empty() { "job".to_owned() } else { format!("job-{part}") };
        let name = harmless(name);
        let name = if name.is_empty() { "A job".to_owned() } else { name };
        Self { name, unit, url: encoded(ping_url.trim_end_matches('/')), post, when }
    }

    /// The snippet; ends with a newline.
    #[must_use]
    pub fn snippet(&self, language: Language) -> String {
        match language {
            Language::Crontab => crontab::snippet(self),
            Language::Bash => bash::snippet(self),
            Language::Powershell => powershell::snippet(self),
            Language::Python => python::snippet(self),
            Language::Systemd => systemd::snippet(self),
            Language::Docker => docker::snippet(self),
            Language::Kubernetes => kubernetes::snippet(self),
        }
    }

    /// For work that is a program of one's own: the names of languages, and the program in them.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, String)> {
        programs::PROGRAMS.iter().map(|(name, text)| (*name, programs::fill(text, self)))
    }
}

/// A text for a comment or a description in any language: what is no letter, no digit and none of
/// `-_.,:/()+@=` becomes `_`, white space a space.
fn harmless(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_alphanumeric() || "-_.,:/()+@=".contains(c) => c,
        c if c.is_whitespace() => ' ',
        _ => '_',
    };
    let text: String = text.chars().map(plain).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A URL in which what could end a quotation, or be replaced inside one, is percent-encoded.
fn encoded(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_alphanumeric() || b":/.-_~%[]@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String never fails.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Every line with so many spaces before it.
fn indented(text: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    let lines: Vec<String> = text.lines().map(|line| format!("{margin}{line}")).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URL: &str = "https://example.org/ping/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";

    fn job(name: &str) -> Job {
        Job::new(name, URL, false, When::Every(3600))
    }

    #[test]
    fn a_name_keeps_its_letters_and_loses_what_means_something() {
        assert_eq!(job("Größe_1 (prod)!").name, "Größe_1 (prod)_");
        assert_eq!(job("a\nb\r\u{2028}c\u{85}d").name, "a b c d");
        assert_eq!(job("'\"`$%\\#;&|<>{}[]*?~^!").name, "_".repeat(21));
        // What turns the direction of a text round could make a comment look like code.
        assert_eq!(job("a\u{202e}b").name, "a_b");
        assert_eq!(job(" \t ").name, "A job");
    }

    #[test]
    fn a_unit_is_named_by_the_slug_and_never_like_another_service() {
        assert_eq!(job("Nightly_Backup ").unit, "job-nightly-backup");
        assert_eq!(job("cron").unit, "job-cron");
        assert_eq!(job("!!!").unit, "job");
        assert_eq!(
            job(&format!("{}-tail", "x".repeat(39))).unit,
            format!("job-{}", "x".repeat(39))
        );
    }

    #[test]
    fn a_url_keeps_its_meaning() {
        assert_eq!(job("x").url, URL);
        assert_eq!(encoded("http://[::1]:8000/a%20b/~c"), "http://[::1]:8000/a%20b/~c");
        assert_eq!(encoded("http://h/o'$(id)`;"), "http://h/o%27%24%28id%29%60%3B");
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_line(name in "\\PC{0,100}|[\\x00-\\x7f]{0,100}") {
            let plain = job("x");
            let strange = Job { name: job(&name).name, ..plain.clone() };
            for language in Language::ALL {
                let (a, b) = (plain.snippet(*language), strange.snippet(*language));
                prop_assert_eq!(a.lines().count(), b.lines().count());
                let differ: Vec<&str> =
                    b.lines().zip(a.lines()).filter(|(b, a)| a != b).map(|(b, _)| b).collect();
                let quiet = |line: &&str| {
                    line.trim_start().starts_with("# ") || line.starts_with("Description=")
                };
                prop_assert!(differ.iter().all(quiet), "{:?}", differ);
                prop_assert!(!differ.iter().any(|line| line.contains(['\\', '%', '\'', '"', '$'])));
            }
        }

        #[test]
        fn every_unit_is_a_dns_label(name in "\\PC{0,100}") {
            let unit = job(&name).unit;
            let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            prop_assert!(unit.chars().all(fine) && unit.len() <= 52 && !unit.ends_with('-'), "{}", unit);
        }
    }

    #[test]
    fn a_check_that_counts_post_alone_is_pinged_by_post() {
        let of = |post: bool, language: Language| {
            Job::new("x", URL, post, When::Every(3600)).snippet(language)
        };
        for language in Language::ALL {
            let (any, post) = (of(false, *language), of(true, *language));
            let mark = match language {
                Language::Python => "POST",
                Language::Powershell => "-Method Post",
                _ => "-d \"\"",
            };
            assert!(!any.contains(mark) && post.contains(mark), "{language}: {post}");
        }
    }

    #[test]
    fn a_program_has_the_name_in_its_first_comment_and_nothing_left_open() {
        for post in [false, true] {
            let job = Job::new("x\n*/ y", URL, post, When::Every(60));
            for (language, text) in job.programs() {
                assert!(text.contains(" x _/ y\n") && text.contains(URL), "{language}: {text}");
                for hole in ["{name}", "{url}", "{METHOD}", "{call}", "{send}"] {
                    assert!(!text.contains(hole), "{language}: {text}");
                }
                let asks = text.contains("POST") || text.contains(".post(");
                assert_eq!(asks, post, "{language}: {text}");
            }
        }
    }

    #[test]
    fn every_ping_is_bounded_in_time_and_tried_again() {
        for language in Language::ALL {
            let text = job("x").snippet(*language);
            let marks: [&str; 2] = match language {
                Language::Python => ["timeout=10", "in (1, 2, 4, 0)"],
                Language::Powershell => ["-TimeoutSec 10", "in 1, 2, 4, 0"],
                _ => ["-m 10", "--retry 3"],
            };
            for mark in marks {
                assert!(text.contains(mark), "{language} lacks {mark}: {text}");
            }
            let curls = text.matches("curl -fsS").count();
            assert_eq!(curls, text.matches(" -m 10 ").count(), "{language}");
        }
    }
}
