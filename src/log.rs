//! The log: lines on standard error, as text for people or JSON for machines, with a level that can
//! be changed while the program runs (SIGHUP). What is logged is decided where it happens; this
//! file only says how it looks and how much of it is shown.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// How log lines look (`log.format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line of text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Libraries that say much at `info` and `debug` that helps nobody who runs the program.
const NOISY: [&str; 7] = ["sqlx", "hyper", "hyper_util", "h2", "rustls", "reqwest", "tower"];

/// The running log, through which its level can be changed.
#[derive(Clone, Debug)]
pub struct Handle(reload::Handle<EnvFilter, Registry>);

impl Handle {
    /// Shows from now on what `level` names (as `log.level` does).
    ///
    /// # Errors
    /// What is allowed, where `level` is something else; the level stays as it was.
    pub fn set_level(&self, level: &str) -> Result<(), String> {
        let filter = filter(level)?;
        self.0.reload(filter).map_err(|error| format!("the log's level can't be set: {error}"))
    }
}

/// Starts the log on standard error. Once a process.
///
/// # Errors
/// What is allowed, where `level` is not a level; or that a log is there already.
pub fn init(format: Format, level: &str) -> Result<Handle, String> {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (log, handle) = build(format, level, colours, std::io::stderr)?;
    log.try_init().map_err(|error| format!("the log can't be started: {error}"))?;
    Ok(handle)
}

/// Whether `level` is what `log.level` allows: `error`, `warn`, `info`, `debug`, `trace`, or
/// directives such as `info,overdue::notify=debug`.
///
/// # Errors
/// What is allowed.
pub fn check_level(level: &str) -> Result<(), String> {
    filter(level).map(|_| ())
}

fn build<W>(
    format: Format,
    level: &str,
    colours: bool,
    writer: W,
) -> Result<(Dispatch, Handle), String>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let log = tracing_subscriber::registry().with(filter).with(lines);
    Ok((Dispatch::new(log), Handle(handle)))
}

/// The filter a level stands for. A bare `info` or `debug` is about this program: the libraries
/// beneath it are then heard from `warn` up. `trace` and directives are taken as they are.
fn filter(level: &str) -> Result<EnvFilter, String> {
    let allowed = || {
        "must be error, warn, info, debug or trace, or directives such as \
         \"info,overdue::notify=debug\""
            .to_owned()
    };
    // The parser takes a misspelt level for the name of a module: only what has a `=` may be one.
    let known = |part: &str| part.contains('=') || is_level(part);
    if !level.split(',').all(|part| known(part.trim())) {
        return Err(allowed());
    }
    let quiet = NOISY.map(|library| format!(",{library}=warn")).concat();
    let directives = match level.trim().to_ascii_lowercase().as_str() {
        plain @ ("info" | "debug") => format!("{plain}{quiet}"),
        _ => level.to_owned(),
    };
    EnvFilter::builder().parse(directives).map_err(|_| allowed())
}

fn is_level(text: &str) -> bool {
    // The parser also takes numbers, and nothing at all.
    !text.is_empty() && text.parse::<u8>().is_err() && LevelFilter::from_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn log(format: Format, level: &str) -> (Dispatch, Handle, Paper) {
        let paper = Paper::default();
        let writer = paper.clone();
        let (log, handle) = build(format, level, false, move || writer.clone()).unwrap();
        (log, handle, paper)
    }

    #[test]
    fn at_info_our_lines_are_shown_and_those_of_libraries_from_warn_up() {
        let (log, _, paper) = log(Format::Text, "info");
        tracing::dispatcher::with_default(&log, || {
            tracing::info!(target: "overdue::app", "listening");
            tracing::debug!(target: "overdue::app", "polled");
            tracing::info!(target: "sqlx::query", "select");
            tracing::warn!(target: "sqlx::query", "slow");
        });
        let text = paper.text();
        assert!(text.contains("listening") && text.contains("slow"), "{text}");
        assert!(!text.contains("polled") && !text.contains("select"), "{text}");
        assert!(!text.contains('\x1b'), "no colours: {text}");
    }

    #[test]
    fn a_level_set_later_counts_from_then_on() {
        let (log, handle, paper) = log(Format::Text, "warn");
        tracing::dispatcher::with_default(&log, || {
            tracing::info!(target: "overdue::app", "one");
            handle.set_level("debug").unwrap();
            tracing::debug!(target: "overdue::app", "two");
            assert!(handle.set_level("loud").is_err());
            tracing::debug!(target: "overdue::app", "three");
            handle.set_level("error").unwrap();
            tracing::warn!(target: "overdue::app", "four");
        });
        let text = paper.text();
        assert!(!text.contains("one") && !text.contains("four"), "{text}");
        assert!(text.contains("two") && text.contains("three"), "{text}");
    }

    #[test]
    fn json_lines_are_objects_with_the_message_and_its_fields() {
        let (log, _, paper) = log(Format::Json, "info");
        tracing::dispatcher::with_default(&log, || {
            tracing::info!(target: "overdue::app", port = 8000, "listening");
        });
        let line: serde_json::Value = serde_json::from_str(paper.text().trim()).unwrap();
        assert_eq!(line["message"], "listening");
        assert_eq!(line["port"], 8000);
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn levels_and_directives_are_taken_and_misspelt_levels_are_not() {
        for good in ["error", "warn", "INFO", "debug", "trace", "off", "info,overdue::notify=debug"]
        {
            assert_eq!(check_level(good), Ok(()), "{good}");
        }
        for bad in ["", "verbose", "3", "info,", "overdue", "info,sqlx=loud"] {
            let reason = check_level(bad).unwrap_err();
            assert!(reason.contains("error, warn, info, debug or trace"), "{bad}: {reason}");
        }
    }
}
