//! The URL of a ping: which check it names, and what it says of it. Judged by its shape alone,
//! before anybody looks for the check (`ping-api.md`, "Where").

use crate::domain::ping::PingKind;
use crate::domain::slug;
use crate::domain::target::{Target, is_key, uuid};

/// What a ping's URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Which check.
    pub target: Target<'a>,
    /// Success, start, fail or log.
    pub signal: PingKind,
    /// The exit status that stands in it.
    pub exit_status: Option<u8>,
}

/// Why a URL is none of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It names no check: `not found`.
    Unknown,
    /// It names one, and says something that can't be: `invalid url format`.
    Malformed,
}

/// Whether the first segment of a path at the root makes it a ping's: a canonical UUID or a ping
/// key with more behind it.
#[must_use]
pub fn is_at_root(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    uuid(first).is_some() || (is_key(first) && !rest.is_empty())
}

/// Reads the path of a ping, without what stands before it (`/ping` or nothing).
///
/// # Errors
/// It is none of a ping.
pub fn parse(path: &str) -> Result<Address<'_>, Misfit> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    let first = segments.next().unwrap_or_default();
    let target = if let Some(uuid) = uuid(first) {
        Target::Uuid(uuid)
    } else if is_key(first) {
        let slug = segments.next().filter(|slug| !slug.is_empty()).ok_or(Misfit::Unknown)?;
        if !slug::is_valid(slug) {
            return Err(Misfit::Malformed);
        }
        Target::Slug { key: first, slug }
    } else {
        return Err(Misfit::Unknown);
    };
    let (signal, exit_status) = segments.next().map_or(Ok((PingKind::Success, None)), signal)?;
    if segments.next().is_some() {
        return Err(Misfit::Unknown);
    }
    Ok(Address { target, signal, exit_status })
}

fn signal(segment: &str) -> Result<(PingKind, Option<u8>), Misfit> {
    match segment {
        "start" => Ok((PingKind::Start, None)),
        "fail" => Ok((PingKind::Fail, None)),
        "log" => Ok((PingKind::Log, None)),
        number => {
            let status = exit_status(number).ok_or(Misfit::Malformed)?;
            let kind = if status == 0 { PingKind::Success } else { PingKind::Fail };
            Ok((kind, Some(status)))
        }
    }
}

/// An exit status: digits for 0 to 255; leading zeros do not count.
fn exit_status(digits: &str) -> Option<u8> {
    let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.trim_start_matches('0')).and_then(|significant| {
        if significant.is_empty() { Some(0) } else { significant.parse().ok() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";
    const KEY: &str = "fqOOd6-F4MMNuCEnzTU01w";

    fn said(path: &str) -> Result<(PingKind, Option<u8>), Misfit> {
        parse(path).map(|address| (address.signal, address.exit_status))
    }

    #[test]
    fn the_last_segment_says_what_the_ping_means() {
        for (tail, kind, status) in [
            ("", PingKind::Success, None),
            ("/", PingKind::Success, None),
            ("/start", PingKind::Start, None),
            ("/start/", PingKind::Start, None),
            ("/fail", PingKind::Fail, None),
            ("/log", PingKind::Log, None),
            ("/0", PingKind::Success, Some(0)),
            ("/000", PingKind::Success, Some(0)),
            ("/007", PingKind::Fail, Some(7)),
            ("/255", PingKind::Fail, Some(255)),
        ] {
            assert_eq!(said(&format!("/{UUID}{tail}")), Ok((kind, status)), "{tail}");
            assert_eq!(
                said(&format!("/{KEY}/database-backup{tail}")),
                Ok((kind, status)),
                "{tail}"
            );
        }
    }

    #[test]
    fn an_exit_status_is_digits_up_to_255() {
        for tail in ["256", "+1", "-1", "1.0", "1e2", "abc", "START", "0x1", "99999999999", " 1"] {
            assert_eq!(said(&format!("/{UUID}/{tail}")), Err(Misfit::Malformed), "{tail}");
        }
    }

    #[test]
    fn a_slug_has_lower_case_letters_digits_hyphens_and_underscores() {
        for slug in ["Backup", "a.b", "a%20b", "é"] {
            assert_eq!(said(&format!("/{KEY}/{slug}")), Err(Misfit::Malformed), "{slug}");
        }
    }

    #[test]
    fn other_spellings_of_a_uuid_and_other_shapes_are_unknown() {
        for path in [
            "/5BF66975-D4C7-4BF5-BCC8-B8D8A82EA278",
            "/5bf66975d4c74bf5bcc8b8d8a82ea278",
            "/{5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278}",
            "/not-uuid",
            "/fqOOd6-F4MMNuCEnzTU01w",
            "/fqOOd6-F4MMNuCEnzTU01w/",
            "/short/slug",
            "",
            "/",
        ] {
            assert_eq!(parse(path), Err(Misfit::Unknown), "{path}");
        }
        assert_eq!(parse(&format!("/{UUID}/start/more")), Err(Misfit::Unknown));
    }

    #[test]
    fn at_the_root_only_a_uuid_or_a_key_with_more_behind_it_is_a_pings() {
        assert!(is_at_root(&format!("/{UUID}")) && is_at_root(&format!("/{UUID}/nonsense")));
        assert!(is_at_root(&format!("/{KEY}/slug")));
        assert!(!is_at_root(&format!("/{KEY}")) && !is_at_root("/user/profile"));
    }

    proptest! {
        #[test]
        fn any_path_is_judged_without_a_panic(path in "\\PC{0,80}", tail in "[0-9a-z/+.-]{0,12}") {
            let _ = parse(&path);
            let _ = is_at_root(&path);
            let _ = parse(&format!("/{UUID}/{tail}"));
            let _ = parse(&format!("/{KEY}/{tail}"));
        }
    }
}
