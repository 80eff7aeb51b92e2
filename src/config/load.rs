//! Loading: defaults, then the file, then the environment, then the command line, each over the
//! one before. Whatever is wrong is told in one line that names the key and where it stands.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::Value;

use super::given::Given;
use super::{Config, Key, keys};
use crate::fault::Fault;

/// What the names of our environment variables begin with.
const PREFIX: &str = "OVERDUE_";

/// Where a configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named on the command line; without it, `config.toml` in `folder`, else
    /// `system_file`, whichever exists.
    pub file: Option<PathBuf>,
    /// Environment variables, name and value; only those that begin with `OVERDUE_` and contain
    /// `__` count.
    pub env: Vec<(String, String)>,
    /// Settings from the command line: `server.listen` and so on, and their value as text.
    pub flags: Vec<(String, String)>,
    /// The working folder.
    pub folder: PathBuf,
    /// The file of the whole machine, `/etc/overdue/config.toml`; `None` in tests.
    pub system_file: Option<PathBuf>,
}

impl Sources {
    /// The sources of this process.
    ///
    /// # Errors
    /// A variable of ours whose value is not UTF-8.
    pub fn of_process(
        file: Option<PathBuf>,
        flags: Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_string().ok().filter(|name| is_ours(name))?;
            Some(value.into_string().map(|value| (name.clone(), value)).map_err(|_| {
                ConfigError::new(&name, &Origin::Variable(name.clone()), "must be UTF-8 text")
            }))
        };
        Ok(Self {
            file,
            env: std::env::vars_os().filter_map(text).collect::<Result<_, _>>()?,
            flags,
            folder: PathBuf::from("."),
            system_file: Some(PathBuf::from("/etc/overdue/config.toml")),
        })
    }
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    SecretFile(String, PathBuf),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::SecretFile(name, path) => write!(f, "{name}={}", path.display()),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// Why the configuration can't be used. Its `Display` is one line that names the key, its file or
/// variable, and what is allowed; it never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    line: String,
}

impl ConfigError {
    fn new(key: &str, origin: &Origin, reason: impl fmt::Display) -> Self {
        let text = match key {
            "" => format!("{origin}: {reason}"),
            key => format!("{key} ({origin}): {reason}"),
        };
        // Names and paths may hold anything; the message stays one line.
        Self { line: text.replace(char::is_control, " ") }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::invalid("", error.line)
    }
}

impl Config {
    /// The configuration that the sources give, checked.
    ///
    /// # Errors
    /// The first key that is unknown or has a bad value, or a file that can't be read.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut loading = Loading::default();
        if let Some(path) = chosen_file(sources) {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            loading.config.file = Some(path.clone());
            loading.file(&text, &path)?;
        }
        loading.environment(&sources.env, &sources.folder)?;
        for (name, value) in &sources.flags {
            let key = find(name).ok_or_else(|| unknown(name, &Origin::CommandLine))?;
            loading.set(key, Given::Text(value), Origin::CommandLine)?;
        }
        loading.finish()
    }
}

/// The named file, whether or not it exists; else the first of the usual places that does.
fn chosen_file(sources: &Sources) -> Option<PathBuf> {
    let usual = [Some(sources.folder.join("config.toml")), sources.system_file.clone()];
    sources.file.clone().or_else(|| usual.into_iter().flatten().find(|path| path.exists()))
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let reason = format!("the configuration file can't be read: {error}");
    ConfigError::new("", &Origin::File(path.to_owned()), reason)
}

/// A configuration on its way, and where each of its settings came from.
#[derive(Default)]
struct Loading {
    config: Config,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loading {
    fn set(&mut self, key: &Key, given: Given<'_>, origin: Origin) -> Result<(), ConfigError> {
        (key.set)(&mut self.config, given)
            .map_err(|allowed| ConfigError::new(key.name, &origin, allowed))?;
        self.origins.insert(key.name, origin);
        Ok(())
    }

    fn file(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let origin = || Origin::File(path.to_owned());
        let document: toml::Table =
            toml::from_str(text).map_err(|error| broken_toml(text, path, &error))?;
        for (section, value) in &document {
            let Value::Table(entries) = value else { return Err(unknown(section, &origin())) };
            if !is_section(section) {
                return Err(unknown(section, &origin()));
            }
            for (entry, value) in entries {
                let name = format!("{section}.{entry}");
                let key = find(&name).ok_or_else(|| unknown(&name, &origin()))?;
                self.set(key, Given::Toml(value), origin())?;
            }
        }
        Ok(())
    }

    fn environment(&mut self, env: &[(String, String)], folder: &Path) -> Result<(), ConfigError> {
        for (variable, value) in env.iter().filter(|(name, _)| is_ours(name)) {
            let origin = Origin::Variable(variable.clone());
            if let Some(key) = keys().find(|key| key.variable() == *variable) {
                self.set(key, Given::Text(value), origin)?;
            } else if let Some(key) = keys().find(|key| secret_file_variable(key) == *variable) {
                if env.iter().any(|(name, _)| *name == key.variable()) {
                    let reason = format!("set either {} or {variable}, not both", key.variable());
                    return Err(ConfigError::new(key.name, &origin, reason));
                }
                self.secret_file(key, variable, &folder.join(value))?;
            } else {
                return Err(unknown_variable(variable));
            }
        }
        Ok(())
    }

    /// Reads a secret from a file, without the newline at its end.
    fn secret_file(&mut self, key: &Key, variable: &str, path: &Path) -> Result<(), ConfigError> {
        let origin = Origin::SecretFile(variable.to_owned(), path.to_owned());
        let failed = |reason: String| ConfigError::new(key.name, &origin, reason);
        let text = fs::read_to_string(path)
            .map_err(|error| failed(format!("must name a file that can be read: {error}")))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(failed("must name a file that holds the secret; it is empty".to_owned()));
        }
        self.set(key, Given::Text(text), origin)
    }

    fn finish(self) -> Result<Config, ConfigError> {
        self.config.check().map_err(|(key, reason)| {
            let origin = self.origins.get(key).unwrap_or(&Origin::Default);
            ConfigError::new(key, origin, reason)
        })?;
        Ok(self.config)
    }
}

fn is_ours(variable: &str) -> bool {
    variable.strip_prefix(PREFIX).is_some_and(|rest| rest.contains("__"))
}

/// The variable that names a secret's file; empty, and so like no variable, for other settings.
fn secret_file_variable(key: &Key) -> String {
    if key.secret { format!("{}_FILE", key.variable()) } else { String::new() }
}

fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

fn is_section(name: &str) -> bool {
    keys().any(|key| key.parts().0 == name)
}

/// The error for a key that there is not; it lists what there is in its place.
fn unknown(name: &str, origin: &Origin) -> ConfigError {
    let section = name.split_once('.').map_or(name, |(section, _)| section);
    let reason = if is_section(section) {
        let there = keys().map(Key::parts).filter(|(of, _)| *of == section).map(|(_, key)| key);
        let there = there.collect::<Vec<_>>().join(", ");
        format!("no such key; section [{section}] has {there}")
    } else {
        let mut there: Vec<&str> = keys().map(|key| key.parts().0).collect();
        there.dedup();
        format!("no such section; there are {}", there.join(", "))
    };
    ConfigError::new(name, origin, reason)
}

/// The error for a variable of ours that sets nothing.
fn unknown_variable(variable: &str) -> ConfigError {
    let origin = Origin::Variable(variable.to_owned());
    let plain = variable.strip_suffix("_FILE").unwrap_or("");
    if let Some(key) = keys().find(|key| key.variable() == plain) {
        let reason = format!("only secrets are read from files: set {plain} itself");
        return ConfigError::new(key.name, &origin, reason);
    }
    let name = variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase();
    let name = name.replacen("__", ".", 1);
    match find(&name) {
        Some(key) => {
            ConfigError::new(key.name, &origin, format!("must be written {}", key.variable()))
        }
        None => unknown(&name, &origin),
    }
}

/// The error for a file that is no TOML: the line, and what the reader says of it.
fn broken_toml(text: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let reason = format!("line {line} is not TOML: {}", error.message());
    ConfigError::new("", &Origin::File(path.to_owned()), reason)
}

/// The configuration that a file with this text gives.
#[cfg(test)]
pub(super) fn from_text(text: &str) -> Result<Config, ConfigError> {
    let mut loading = Loading::default();
    loading.file(text, Path::new("config.toml"))?;
    loading.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::random_uuid;

    /// A folder of its own for a test, which goes when the test ends.
    struct Folder(PathBuf);

    impl std::ops::Deref for Folder {
        type Target = Path;
        fn deref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn folder() -> Folder {
        let folder = std::env::temp_dir().join(format!("overdue-config-{}", random_uuid()));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn env(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let home = folder();
        let folder = home.to_path_buf();
        Config::load(&Sources { env: pairs(variables), folder, ..Sources::default() })
    }

    fn refused(result: Result<Config, ConfigError>) -> String {
        let line = result.unwrap_err().to_string();
        assert_eq!(line.lines().count(), 1, "{line}");
        line
    }

    #[test]
    fn with_nothing_set_the_defaults_hold() {
        assert_eq!(env(&[]).unwrap(), Config::default());
    }

    #[test]
    fn the_environment_goes_over_the_file_and_the_command_line_over_both() {
        let folder = folder();
        let text = "[checks]\nmin_period = 10\nmin_grace = 10\nmax_count = 10";
        fs::write(folder.join("config.toml"), text).unwrap();
        let sources = Sources {
            env: pairs(&[("OVERDUE_CHECKS__MIN_GRACE", "20"), ("OVERDUE_CHECKS__MAX_COUNT", "20")]),
            flags: pairs(&[("checks.max_count", "30")]),
            folder: folder.to_path_buf(),
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap();
        let checks = &config.checks;
        assert_eq!((checks.min_period, checks.min_grace, checks.max_count), (10, 20, 30));
        assert_eq!(config.file, Some(folder.join("config.toml")));
    }

    #[test]
    fn the_named_file_comes_before_the_folders_and_that_before_the_systems() {
        let folder = folder();
        let [named, system] = ["named.toml", "system.toml"].map(|name| folder.join(name));
        let mut sources = Sources {
            folder: folder.to_path_buf(),
            system_file: Some(system.clone()),
            ..Sources::default()
        };
        let period = |sources: &Sources| Config::load(sources).unwrap().checks.min_period;
        fs::write(&system, "[checks]\nmin_period = 1").unwrap();
        assert_eq!(period(&sources), 1);
        fs::write(folder.join("config.toml"), "[checks]\nmin_period = 2").unwrap();
        assert_eq!(period(&sources), 2);
        sources.file = Some(named.clone());
        assert!(refused(Config::load(&sources)).contains("named.toml: the configuration file"));
        fs::write(&named, "[checks]\nmin_period = 3").unwrap();
        assert_eq!(period(&sources), 3);
    }

    #[test]
    fn lists_in_the_environment_are_separated_by_commas() {
        let config = env(&[("OVERDUE_SERVER__LISTEN", "127.0.0.1:80,[::1]:80")]).unwrap();
        assert_eq!(config.server.listen.len(), 2);
        let config = env(&[("OVERDUE_CHANNELS__COMMANDS", "{ p = [\"/bin/p\"] }")]).unwrap();
        assert_eq!(config.channels.commands["p"], ["/bin/p"]);
    }

    #[test]
    fn variables_that_are_not_ours_are_left_alone() {
        let others = [("OVERDUE_HOME", "x"), ("PATH", "y"), ("MY_OVERDUE_A__B", "z")];
        assert_eq!(env(&others).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_what_there_is() {
        let line = refused(env(&[("OVERDUE_SERVER__LISTN", "x")]));
        assert!(line.starts_with("server.listn (OVERDUE_SERVER__LISTN): no such key"), "{line}");
        assert!(line.contains("listen, listen_tls"), "{line}");
        let line = refused(env(&[("OVERDUE_SEVER__LISTEN", "x")]));
        assert!(line.contains("no such section; there are server, security"), "{line}");
        let line = refused(env(&[("OVERDUE_SERVER__listen", "x")]));
        assert!(line.contains("must be written OVERDUE_SERVER__LISTEN"), "{line}");
        let line = refused(from_text("[checks]\nmin_perod = 1"));
        assert!(line.starts_with("checks.min_perod (config.toml): no such key"), "{line}");
        for text in ["x = 1", "server = 1", "[x]", "[[server]]", "[server.listen]\na = 1"] {
            let line = refused(from_text(text));
            assert!(line.contains("(config.toml): "), "{line}");
        }
        let flags = pairs(&[("server.x", "1")]);
        let line = refused(Config::load(&Sources {
            flags,
            folder: folder().to_path_buf(),
            ..Sources::default()
        }));
        assert!(line.starts_with("server.x (command line): no such key"), "{line}");
    }

    #[test]
    fn a_bad_value_is_named_with_its_place_and_what_is_allowed_and_not_repeated() {
        let line = refused(env(&[("OVERDUE_CHECKS__MIN_PERIOD", "0\nx")]));
        let place = "checks.min_period (OVERDUE_CHECKS__MIN_PERIOD): ";
        assert_eq!(line, format!("{place}must be a whole number from 1 to 31536000"));
        let line = refused(env(&[("OVERDUE_ACCOUNTS__REGISTRATION", "everybody")]));
        assert!(line.ends_with("must be one of closed, open, invite"), "{line}");
        let line = refused(from_text("[mail]\ntls = \"ssl\""));
        assert!(line.ends_with("(config.toml): must be one of starttls, tls, none"), "{line}");
        let line = refused(env(&[("OVERDUE_SECURITY__SECRET_KEY", "too short")]));
        assert!(line.ends_with("must be at least 32 characters") && !line.contains("too short"));
        let line = refused(from_text("[log]\nlevel = \"loud\""));
        assert!(line.contains("must be error, warn, info"), "{line}");
        let line = refused(from_text("[ping]\nbody_limit = \"10\""));
        assert!(line.contains("must be a whole number from 0 to"), "{line}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_with_its_line_and_nothing_of_what_it_holds() {
        let line = refused(from_text("[security]\n\nsecret_key = hunter2 hunter2\n"));
        assert!(line.starts_with("config.toml: line 3 is not TOML: "), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }

    #[test]
    fn every_secret_can_be_read_from_a_file_without_the_newline_at_its_end() {
        let folder = folder();
        let path = folder.join("secret");
        let read = |variable: &str, text: &str| {
            fs::write(&path, text).unwrap();
            let env = pairs(&[(variable, "secret")]);
            Config::load(&Sources { env, folder: folder.to_path_buf(), ..Sources::default() })
        };
        let config = read("OVERDUE_METRICS__TOKEN_FILE", "s3cret\r\n").unwrap();
        assert_eq!(config.metrics.token.unwrap().expose(), "s3cret");
        let config = read("OVERDUE_DATABASE__URL_FILE", "postgres://u:p@h/d\n").unwrap();
        assert_eq!(config.database.url.expose(), "postgres://u:p@h/d");
        let line = refused(read("OVERDUE_SECURITY__SECRET_KEY_FILE", "short\n"));
        assert!(
            line.contains("OVERDUE_SECURITY__SECRET_KEY_FILE=") && line.contains("32"),
            "{line}"
        );
        assert!(refused(read("OVERDUE_METRICS__TOKEN_FILE", "\n")).contains("it is empty"));
        let secrets: Vec<&str> = keys().filter(|key| key.secret).map(|key| key.name).collect();
        let expected = "security.secret_key database.url oidc.client_secret metrics.token \
                        mail.password outbound.proxy";
        assert_eq!(secrets.join(" "), expected);
    }

    #[test]
    fn a_secret_file_must_be_there_be_for_a_secret_and_stand_alone() {
        let line = refused(env(&[("OVERDUE_METRICS__TOKEN_FILE", "nowhere")]));
        assert!(line.contains("must name a file that can be read"), "{line}");
        let line = refused(env(&[("OVERDUE_SERVER__TLS_KEY_FILE", "x")]));
        assert!(line.contains("only secrets are read from files"), "{line}");
        let both = [("OVERDUE_METRICS__TOKEN", "a"), ("OVERDUE_METRICS__TOKEN_FILE", "b")];
        assert!(refused(env(&both)).contains("not both"));
    }

    #[test]
    fn an_empty_variable_unsets_what_the_file_set() {
        let folder = folder();
        fs::write(folder.join("config.toml"), "[metrics]\ntoken = \"x\"").unwrap();
        let env = pairs(&[("OVERDUE_METRICS__TOKEN", "")]);
        let config =
            Config::load(&Sources { env, folder: folder.to_path_buf(), ..Sources::default() })
                .unwrap();
        assert_eq!(config.metrics.token, None);
    }

    #[test]
    fn a_clash_names_the_place_of_the_setting_that_stands_alone() {
        let line = refused(env(&[("OVERDUE_SERVER__TLS_CERT", "c")]));
        assert!(line.starts_with("server.tls_cert (OVERDUE_SERVER__TLS_CERT): needs"), "{line}");
    }
}
