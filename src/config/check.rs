//! Rules between settings: what must not be set without what, and what has no effect.

use super::Config;

/// A setting that can't stand as it does beside the others, and what is allowed.
pub(super) type Clash = (&'static str, &'static str);

impl Config {
    /// The rules between settings.
    pub(super) fn check(&self) -> Result<(), Clash> {
        self.check_listeners()?;
        self.check_oidc()?;
        let mail = &self.mail;
        if mail.password.is_some() && mail.username.is_none() {
            return Err(("mail.password", "needs mail.username: set both or neither"));
        }
        Ok(())
    }

    fn check_listeners(&self) -> Result<(), Clash> {
        let server = &self.server;
        match (&server.tls_cert, &server.tls_key) {
            (Some(_), None) => {
                Err(("server.tls_cert", "needs server.tls_key: set both or neither"))
            }
            (None, Some(_)) => {
                Err(("server.tls_key", "needs server.tls_cert: set both or neither"))
            }
            (None, None) if !server.listen_tls.is_empty() => {
                Err(("server.listen_tls", "needs server.tls_cert and server.tls_key"))
            }
            _ if server.listen.is_empty() && server.listen_tls.is_empty() => {
                Err(("server.listen", "must have an address unless server.listen_tls has one"))
            }
            _ => Ok(()),
        }
    }

    fn check_oidc(&self) -> Result<(), Clash> {
        let oidc = &self.oidc;
        let reason =
            "goes with oidc.issuer, oidc.client_id and oidc.client_secret: set all or none";
        let given = [
            ("oidc.issuer", oidc.issuer.is_some()),
            ("oidc.client_id", oidc.client_id.is_some()),
            ("oidc.client_secret", oidc.client_secret.is_some()),
        ];
        let one = given.iter().find(|(_, set)| *set);
        let all = given.iter().all(|(_, set)| *set);
        one.filter(|_| !all).map_or(Ok(()), |(key, _)| Err((*key, reason)))
    }

    /// Settings that are fine but do nothing as they stand: a line each, for the log at start and
    /// for `check-config`.
    #[must_use]
    pub fn notices(&self) -> Vec<&'static str> {
        let server = &self.server;
        let default = Self::default();
        let idle = [
            (
                self.mail != default.mail && self.mail.missing() == Some("mail.host"),
                "mail.* has no effect: without mail.host no mail is sent",
            ),
            (
                self.mail.missing() == Some("mail.from"),
                "mail.host has no effect: without mail.from no mail is sent",
            ),
            (
                self.smtp != default.smtp && self.smtp.listen.is_none(),
                "smtp.* has no effect without smtp.listen: no mail is taken",
            ),
            (
                self.mail.missing().is_none() && server.site_url_is_default(),
                "server.site_url is not set: links in mails lead to http://localhost:8000",
            ),
            (
                self.accounts.trusted_header.is_some() && server.trusted_proxies.is_empty(),
                "accounts.trusted_header has no effect: server.trusted_proxies is empty",
            ),
            (
                server.listen.is_empty(),
                "without server.listen, `overdue health` can't ask this server how it is",
            ),
            (
                server.tls_cert.is_some()
                    && server.listen_tls.is_empty()
                    && self.smtp.listen.is_none(),
                "server.tls_cert has no effect: neither server.listen_tls nor smtp.listen is set",
            ),
        ];
        idle.into_iter().filter(|(holds, _)| *holds).map(|(_, notice)| notice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::from_text;
    use super::*;

    fn refused(text: &str) -> String {
        from_text(text).unwrap_err().to_string()
    }

    #[test]
    fn certificate_and_key_are_set_together_and_tls_needs_them() {
        assert!(refused("[server]\ntls_cert = \"c\"").contains("server.tls_cert"));
        assert!(refused("[server]\ntls_key = \"k\"").contains("needs server.tls_cert"));
        let tls = "[server]\nlisten_tls = [\"[::]:8443\"]";
        assert!(refused(tls).contains("needs server.tls_cert and server.tls_key"));
        let config = from_text(&format!("{tls}\ntls_cert = \"c\"\ntls_key = \"k\"")).unwrap();
        assert!(config.server.tls_files().is_some());
    }

    #[test]
    fn a_server_listens_somewhere() {
        assert!(refused("[server]\nlisten = []").contains("must have an address"));
        let tls =
            "[server]\nlisten = []\nlisten_tls = [\"[::]:1\"]\ntls_cert = \"c\"\ntls_key = \"k\"";
        assert!(from_text(tls).is_ok());
    }

    #[test]
    fn sign_in_and_mail_are_set_whole() {
        assert!(refused("[oidc]\nclient_id = \"x\"").starts_with("oidc.client_id"));
        assert!(refused("[oidc]\nissuer = \"https://e.org\"").contains("set all or none"));
        assert!(refused("[mail]\npassword = \"x\"").contains("needs mail.username"));
    }

    #[test]
    fn what_has_no_effect_is_told() {
        assert_eq!(Config::default().notices(), Vec::<&str>::new());
        for (text, key) in [
            ("[accounts]\ntrusted_header = \"X-User\"", "accounts."),
            ("[smtp]\ndomain = \"example.org\"", "smtp."),
            ("[mail]\nfrom = \"o@example.org\"", "mail.* has no effect: without mail.host"),
            (
                "[mail]\nhost = \"mail.example.org\"\nfrom = \"o@example.org\"",
                "server.site_url is not set",
            ),
            ("[mail]\nhost = \"mail.example.org\"", "mail.host has no effect: without mail.from"),
            (
                "[server]\nlisten = []\nlisten_tls = [\"[::]:1\"]\ntls_cert = \"c\"\ntls_key = \"k\"",
                "without server.listen",
            ),
        ] {
            let notices = from_text(text).unwrap().notices();
            assert_eq!(notices.len(), 1, "{text}");
            assert!(notices[0].starts_with(key), "{}", notices[0]);
        }
    }
}
