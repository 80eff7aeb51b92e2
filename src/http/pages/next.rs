//! Where somebody goes once they have signed in: the parameter `next`. It comes from outside, so
//! that it may name nothing but a page of this site: otherwise a link to our own sign-in page could
//! lead on to somebody else's.

use http::Uri;
use url::Url;

/// The longest address that is kept, in bytes.
const LONGEST: usize = 2000;

/// A host that no page has.
const NOWHERE: &str = "http://overdue.invalid";

/// The sign-in page that leads back to the page at this address.
pub(super) fn sign_in(page: &Uri) -> String {
    let path = page.path_and_query().map_or("/", |path| path.as_str());
    with("/sign-in", path)
}

/// The page at `path` that leads on to the page at `next`.
pub(super) fn with(path: &str, next: &str) -> String {
    format!("{path}?{}", parameter(next))
}

/// `next=…`
fn parameter(path: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish()
}

/// The path of ours that `next` names, below the prefix; the start page where it names anything
/// else.
pub(super) fn path(next: &str) -> &str {
    if is_ours(next) { next } else { "/" }
}

/// Whether this is a path of this site and can be taken for nothing else: browsers read a backslash
/// as a slash, skip tabs and line ends, and take what follows two slashes for a host.
fn is_ours(next: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    let begins_well = next.starts_with('/') && !next.starts_with("//");
    let stays = || {
        // A prefix stands before it in the end; on its own it must lead nowhere else either.
        let url = Url::parse(NOWHERE).and_then(|base| base.join(next));
        url.is_ok_and(|url| url.as_str().starts_with(NOWHERE) && !url.path().starts_with("//"))
    };
    next.len() <= LONGEST && begins_well && next.bytes().all(plain) && stays()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_of_ours_is_gone_to() {
        for next in ["/", "/docs/api", "/docs/api?a=b&c=%2F", "/a//b", "/a#b", "/a:b", "/@x"] {
            assert_eq!(path(next), next);
        }
    }

    #[test]
    fn nothing_else_is() {
        for next in [
            "",
            "docs/api",
            "//evil.example.com",
            "///evil.example.com",
            "/\\evil.example.com",
            "\\\\evil.example.com",
            "/\t/evil.example.com",
            "/\n/evil.example.com",
            "\t//evil.example.com",
            " /docs",
            "/a\r\nSet-Cookie: x=y",
            "https://evil.example.com",
            "https:/evil.example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "/.//evil.example.com",
            "/a/..//evil.example.com",
            "/ä",
        ] {
            assert_eq!(path(next), "/", "{next:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(LONGEST))), "/");
    }

    #[test]
    fn the_way_back_is_one_that_is_taken() {
        let uri: Uri = "/docs/api?x=1&y=/".parse().unwrap();
        let address = sign_in(&uri);
        assert_eq!(address, "/sign-in?next=%2Fdocs%2Fapi%3Fx%3D1%26y%3D%2F");
        let query = address.split_once('?').unwrap().1;
        let (_, next) = form_urlencoded::parse(query.as_bytes()).next().unwrap();
        assert_eq!(path(&next), "/docs/api?x=1&y=/");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_the_browser_stays_here(next in "[/\\\\.:@?#a-z\\t\\r\\n %\\PC]{0,30}") {
            for prefix in ["", "/sub"] {
                let base = Url::parse("https://overdue.example.org/sign-in").unwrap();
                let url = base.join(&format!("{prefix}{}", path(&next))).unwrap();
                prop_assert_eq!(url.origin(), base.origin());
            }
        }
    }
}
