//! For which site passkeys are: browsers bind them to its host name, and make them over HTTPS alone, or
//! for this very machine.

use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::context::Context;
use crate::fault::{Fault, Result};

const ADDRESS: &str = "Passkeys belong to a host name, and this site is at an IP address. They can be used \
                       once server.site_url is an https:// address with a name.";
const UNSET: &str = "Passkeys belong to a host name that has to be sure, and server.site_url is not set. \
                     They can be used once it is an https:// address.";
const INSECURE: &str = "Browsers make passkeys over HTTPS alone, and server.site_url begins with http://. \
                        They can be used once it is an https:// address.";

/// Why passkeys can't be used, in a sentence or two; none where they can. `base` is the site as who
/// asks sees it.
#[must_use]
pub fn obstacle(ctx: &Context, base: &str) -> Option<&'static str> {
    let server = &ctx.config.server;
    place(&server.site_url, server.site_url_is_default(), base).err()
}

/// What makes and proves passkeys of this site.
///
/// # Errors
/// [`Fault::Forbidden`]: they can't be used, see [`obstacle`].
pub(super) fn party(ctx: &Context, base: &str) -> Result<Webauthn> {
    let server = &ctx.config.server;
    let place = place(&server.site_url, server.site_url_is_default(), base);
    let (name, origin) = place.map_err(|why| Fault::Forbidden(why.to_owned()))?;
    let builder = WebauthnBuilder::new(&name, &origin).map_err(Fault::internal)?;
    builder.rp_name("Overdue").build().map_err(Fault::internal)
}

/// The host name and the origin that passkeys are for. The host that a request names is believed only
/// where it is this machine itself.
fn place(
    site_url: &str,
    is_default: bool,
    base: &str,
) -> std::result::Result<(String, Url), &'static str> {
    let url = Url::parse(if is_default { base } else { site_url }).map_err(|_| ADDRESS)?;
    let Some(Host::Domain(name)) = url.host() else { return Err(ADDRESS) };
    let is_local = name == "localhost" || name.ends_with(".localhost");
    if !is_local && is_default {
        return Err(UNSET);
    }
    if !is_local && url.scheme() != "https" {
        return Err(INSECURE);
    }
    let origin = Url::parse(&url.origin().ascii_serialization()).map_err(|_| ADDRESS)?;
    Ok((name.to_owned(), origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(site_url: &str) -> std::result::Result<(String, String), &'static str> {
        let place = place(site_url, false, "http://elsewhere.example.com");
        place.map(|(name, origin)| (name, origin.to_string()))
    }

    #[test]
    fn a_site_over_https_has_passkeys_and_so_has_this_machine() {
        let found = at("https://example.org/overdue").unwrap();
        assert_eq!(found, ("example.org".to_owned(), "https://example.org/".to_owned()));
        assert_eq!(at("http://localhost:9000").unwrap().1, "http://localhost:9000/");
        assert_eq!(at("http://example.org"), Err(INSECURE));
        for address in ["https://192.0.2.1", "https://[2001:db8::1]:8000", "http://127.0.0.1"] {
            assert_eq!(at(address), Err(ADDRESS), "{address}");
        }
    }

    #[test]
    fn the_host_that_a_request_names_is_not_believed() {
        let by_host = |base: &str| place("http://localhost:8000", true, base).map(|found| found.0);
        assert_eq!(by_host("https://evil.example.com"), Err(UNSET));
        assert_eq!(by_host("http://127.0.0.1:8000"), Err(ADDRESS));
        assert_eq!(by_host("http://localhost:4711").as_deref(), Ok("localhost"));
    }
}
