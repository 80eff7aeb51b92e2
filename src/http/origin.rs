//! Whose page a writing command comes from. A browser sends the cookie along whoever made the
//! request, so that the page must be ours (`management-api.md`, "Conventions"); a Bearer token is
//! never sent by a browser on its own, and needs no such guard.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::uri::Authority;
use url::Url;

use crate::fault::{Fault, Result};
use crate::http::peer::Client;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What counts as our own.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// Who asks, and the host a trusted proxy names.
    pub client: &'a Client,
    /// The host in the request's target, which HTTP/2 has in place of the header.
    pub authority: Option<&'a Authority>,
    /// The configured `site_url`.
    pub site_url: &'a str,
}

/// # Errors
/// [`Fault::Forbidden`]: the page is another site's, or may be.
pub fn check(headers: &HeaderMap, own: Own<'_>) -> Result<()> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let ours = match (origins.next(), origins.next()) {
        (None, _) => {
            let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
            sites.all(|site| site == "same-origin" || site == "none")
        }
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| is_own(origin, headers, own)),
        (Some(_), Some(_)) => false,
    };
    if ours {
        Ok(())
    } else {
        Err(Fault::Forbidden(
            "this came from another site's page: with the cookie only our own pages may write, \
             elsewhere send the token as Authorization: Bearer"
                .to_owned(),
        ))
    }
}

fn is_own(origin: &str, headers: &HeaderMap, own: Own<'_>) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    if Url::parse(own.site_url).is_ok_and(|site| site.origin() == origin.origin()) {
        return true;
    }
    // Where it is known that the client speaks https, a page that came without is another's.
    if own.client.https && origin.scheme() != "https" {
        return false;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let hosts = [own.client.host.as_deref(), own.authority.map(Authority::as_str), host];
    hosts.into_iter().flatten().any(|host| is_host_of(host, &origin))
}

/// Whether host and port are those of an origin; a port that is left out is its scheme's own.
fn is_host_of(host: &str, origin: &Url) -> bool {
    let url = Url::parse(&format!("{}://{host}", origin.scheme()));
    url.is_ok_and(|url| url.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(https: bool, host: Option<&str>) -> Client {
        Client { address: [192, 0, 2, 1].into(), https, host: host.map(str::to_owned) }
    }

    fn allowed(client: &Client, lines: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let own = Own { client, authority: None, site_url: "https://overdue.example.org/sub" };
        check(&headers, own).is_ok()
    }

    #[test]
    fn our_own_pages_may_write() {
        let direct = client(false, None);
        for (origin, host) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000"),
            ("http://LOCALHOST:8000", "localhost:8000"),
            ("http://intra", "intra:80"),
            ("https://overdue.example.org", "10.0.0.1:8000"),
            ("http://[::1]:8000", "[::1]:8000"),
        ] {
            assert!(allowed(&direct, &[("origin", origin), ("host", host)]), "{origin} {host}");
        }
        let behind_proxy = client(true, Some("watch.example.net"));
        let lines = [("origin", "https://watch.example.net"), ("host", "backend:8000")];
        assert!(allowed(&behind_proxy, &lines));
    }

    #[test]
    fn pages_of_others_may_not() {
        let direct = client(false, None);
        for origin in [
            "https://evil.example.com",
            "null",
            "http://127.0.0.1:8001",
            "http://127.0.0.1",
            "",
            "file://127.0.0.1:8000",
            "http://overdue.example.org",
            "https://overdue.example.org:8443",
        ] {
            assert!(
                !allowed(&direct, &[("origin", origin), ("host", "127.0.0.1:8000")]),
                "{origin}"
            );
        }
        let two = [("origin", "http://a:1"), ("origin", "http://a:1"), ("host", "a:1")];
        assert!(!allowed(&direct, &two));
        let downgraded = [("origin", "http://a"), ("host", "a")];
        assert!(!allowed(&client(true, None), &downgraded));
    }

    #[test]
    fn without_an_origin_the_browser_says_where_it_comes_from() {
        let direct = client(false, None);
        assert!(allowed(&direct, &[]));
        for (site, may) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            assert_eq!(allowed(&direct, &[("sec-fetch-site", site)]), may, "{site}");
        }
    }

    #[test]
    fn a_host_header_can_not_smuggle_an_origin() {
        let direct = client(false, None);
        for host in ["evil.example.com.a", "evil.example.com@a", "a/evil.example.com", "a b", ""] {
            let lines = [("origin", "http://evil.example.com"), ("host", host)];
            assert!(!allowed(&direct, &lines), "{host}");
        }
    }
}
