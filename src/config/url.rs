//! URLs of the configuration, which may carry a password that must not be shown.

use std::fmt;

use url::Url;

/// A URL whose `Debug` and `Display` have `***` in place of the password.
#[derive(Clone, PartialEq, Eq)]
pub struct HiddenUrl(String);

impl HiddenUrl {
    /// Wraps a URL.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The URL with its password, for the place that connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The URL with `***` in place of the password: of the one before the host, and of those that
    /// `PostgreSQL` takes as parameters. A text that is no URL is hidden whole.
    #[must_use]
    pub fn masked(&self) -> String {
        let Ok(mut url) = Url::parse(&self.0) else { return "***".to_owned() };
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return "***".to_owned();
        }
        if !url.query_pairs().any(|(name, _)| is_password(&name)) {
            // As it was written where nothing is hidden: `sqlite:x` has no password.
            return if url.password().is_some() { url.to_string() } else { self.0.clone() };
        }
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let hidden = pairs.iter().map(|(name, value)| {
            (name.as_str(), if is_password(name) { "***" } else { value.as_str() })
        });
        url.query_pairs_mut().clear().extend_pairs(hidden);
        url.to_string()
    }
}

impl fmt::Display for HiddenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for HiddenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn is_password(parameter: &str) -> bool {
    parameter.to_ascii_lowercase().contains("password")
}

/// An http or https URL with a host.
pub(super) fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// A URL of a `PostgreSQL` database.
pub(super) fn postgres(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let scheme = matches!(url.scheme(), "postgres" | "postgresql");
    (scheme && !url.cannot_be_a_base()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_wherever_it_stands_in_the_url() {
        let masked = |text: &str| HiddenUrl::new(text).masked();
        assert_eq!(masked("postgres://u:p4ss@h:5432/d"), "postgres://u:***@h:5432/d");
        assert_eq!(
            masked("postgres://h/d?user=u&password=p4ss&sslmode=require"),
            "postgres://h/d?user=u&password=***&sslmode=require"
        );
        assert_eq!(masked("http://u:p4ss@proxy:3128"), "http://u:***@proxy:3128/");
        assert_eq!(masked("postgres://u:p4ss@h:99999/d"), "***");
        let url = HiddenUrl::new("postgres://u:p4ss@h/d");
        assert!(!format!("{url} {url:?}").contains("p4ss"));
        assert_eq!(url.expose(), "postgres://u:p4ss@h/d");
    }

    #[test]
    fn a_url_without_a_password_is_shown_as_it_was_written() {
        for text in ["sqlite:overdue.db", "sqlite:///data/overdue.db", "postgres://u@h/d"] {
            assert_eq!(HiddenUrl::new(text).to_string(), text);
        }
    }
}
