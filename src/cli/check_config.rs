//! `overdue check-config`: the configuration as the server would have it, or the first thing that
//! is wrong with it. It opens no database.

use serde_json::Value;

use super::Answer;
use crate::config::Config;
use crate::fault::{Fault, Result};

pub(super) fn run(config: &Config, json: bool) -> Result<Answer> {
    let toml = config.effective_toml();
    let json = if json { as_json(&toml)? } else { Value::Null };
    let origin = match &config.file {
        Some(path) => format!("# From {}", path.display()),
        None => "# No configuration file; from the defaults".to_owned(),
    };
    let mut lines = vec![format!("{origin}, the environment and the command line.")];
    lines.extend(config.notices().iter().map(|note| format!("# Note: {note}.")));
    let text = format!("{}\n\n{toml}", lines.join("\n"));
    Ok(Answer::new(text, json))
}

fn as_json(toml: &str) -> Result<Value> {
    let table: toml::Table = toml::from_str(toml).map_err(Fault::internal)?;
    serde_json::to_value(table).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn both_forms_show_every_section_and_no_secret() {
        let mut config = Config::default();
        config.metrics.token = Some(Secret::new("s3cret"));
        let answer = run(&config, true).unwrap();
        assert_eq!(answer.json["server"]["listen"][0], "[::]:8000");
        assert_eq!(answer.json["metrics"]["token"], "***");
        assert!(answer.text.starts_with("# No configuration file"), "{}", answer.text);
        assert!(answer.text.contains("[metrics]") && !answer.text.contains("s3cret"));
        assert!(toml::from_str::<toml::Table>(&answer.text).is_ok());
    }
}
