//! Who the client is: the peer of the connection, or, where that peer is a proxy the operator
//! trusts, whom the proxy names. Pure functions over headers; nothing here may open a socket or
//! know the configuration. Forwarded headers are read from the right, because the right end is
//! what the nearest proxy wrote and everything further left may be a client's invention.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::{FORWARDED, HeaderMap, HeaderName};
use http::uri::Authority;
use ipnet::{IpNet, Ipv4Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The longest host a proxy may name, in bytes: a DNS name and a port.
const LONGEST_HOST: usize = 261;

/// The connection a request came over. Every request carries one in its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The peer's address and port; an IPv4-mapped IPv6 address is kept as IPv4.
    pub remote: SocketAddr,
    /// Whether the peer speaks TLS to us.
    pub tls: bool,
}

impl Connection {
    /// A connection from `remote`, whose address is brought to its canonical form.
    #[must_use]
    pub fn new(remote: SocketAddr, tls: bool) -> Self {
        Self { remote: SocketAddr::new(remote.ip().to_canonical(), remote.port()), tls }
    }
}

/// Who sent a request, and what they see of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address; IPv4-mapped IPv6 is shown as IPv4.
    pub address: IpAddr,
    /// Whether the client speaks HTTPS, to us or to the proxy in front.
    pub https: bool,
    /// The host (and port) the client asked for, where a trusted proxy names it; else none, and
    /// the request's own host counts.
    pub host: Option<String>,
}

/// The client behind `connection`: its peer, or where that is one of the `trusted` proxies, the
/// right-most untrusted address of `X-Forwarded-For`, or in its absence of `Forwarded`
/// (ping-api.md, "Remote address"). An element that is no address ends the search at the last
/// proxy that is known. Scheme and host come from the same proxy that named the client.
/// `X-Forwarded-…` and `Forwarded` are never mixed.
#[must_use]
pub fn client_of(connection: &Connection, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let address = connection.remote.ip().to_canonical();
    if !trusts(trusted, address) {
        return Client { address, https: connection.tls, host: None };
    }
    let by_standard = !headers.contains_key(X_FORWARDED_FOR) && headers.contains_key(FORWARDED);
    let found = if by_standard {
        from_forwarded(headers, address, trusted)
    } else {
        from_x_forwarded(headers, address, trusted)
    };
    Client {
        address: found.address,
        https: found.https.unwrap_or(connection.tls),
        host: found.host,
    }
}

/// Whether the peer itself is one of the `trusted` proxies.
#[must_use]
pub fn is_proxy(connection: &Connection, trusted: &[IpNet]) -> bool {
    trusts(trusted, connection.remote.ip().to_canonical())
}

/// What the proxies say.
struct Found {
    address: IpAddr,
    https: Option<bool>,
    host: Option<String>,
}

fn from_x_forwarded(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> Found {
    let mut address = peer;
    let mut depth = 0;
    for element in elements_from_the_right(headers, &X_FORWARDED_FOR) {
        depth += 1;
        let Some(named) = as_text(element).and_then(address_of) else { break };
        address = named;
        if !trusts(trusted, named) {
            break;
        }
    }
    let proto = element_at(headers, &X_FORWARDED_PROTO, depth);
    let host = element_at(headers, &X_FORWARDED_HOST, depth);
    Found { address, https: proto.and_then(is_https), host: host.and_then(host_of) }
}

fn from_forwarded(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> Found {
    let mut found = Found { address: peer, https: None, host: None };
    for element in elements_from_the_right(headers, &FORWARDED) {
        let Some(hop) = as_text(element).and_then(Hop::read) else { break };
        found.https = hop.proto.as_deref().and_then(is_https);
        found.host = hop.host.as_deref().and_then(host_of);
        let Some(named) = hop.node.as_deref().and_then(address_of) else { break };
        found.address = named;
        if !trusts(trusted, named) {
            break;
        }
    }
    found
}

/// Whether `address` (canonical) lies in one of the networks. A network of IPv4-mapped addresses
/// counts as the IPv4 network it maps; any other IPv6 network holds no IPv4 address.
fn trusts(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|net| canonical_net(*net).contains(&address))
}

fn canonical_net(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let mapped = v6.addr().to_ipv4_mapped();
    match (mapped, v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix)) => Ipv4Net::new(v4, prefix).map_or(net, IpNet::V4),
        _ => net,
    }
}

/// The elements of a list header, last line first and each line from its right end. Empty ones
/// are skipped, as RFC 9110 (5.6.1) asks.
fn elements_from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| SplitFromRight::on(b',', line.as_bytes())).filter(|e| !e.is_empty())
}

/// The element that the proxy at `depth` hops (1 is the nearest) wrote. Proxies that replace the
/// header instead of adding to it leave fewer elements than hops: then it is the left-most.
fn element_at<'a>(headers: &'a HeaderMap, name: &HeaderName, depth: usize) -> Option<&'a str> {
    elements_from_the_right(headers, name).take(depth.max(1)).last().and_then(as_text)
}

/// Pieces of a text between separators that stand outside quotes, the right-most first and
/// without the white space around them. Quotes are paired from the right, so that an open quote
/// further left can't swallow what a proxy appended.
struct SplitFromRight<'a> {
    separator: u8,
    rest: Option<&'a [u8]>,
}

impl<'a> SplitFromRight<'a> {
    fn on(separator: u8, text: &'a [u8]) -> Self {
        Self { separator, rest: Some(text) }
    }
}

impl<'a> Iterator for SplitFromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let mut quoted = false;
        for at in (0..text.len()).rev() {
            if text[at] == b'"' && !is_escaped(text, at) {
                quoted = !quoted;
            } else if text[at] == self.separator && !quoted {
                self.rest = Some(&text[..at]);
                return Some(text[at + 1..].trim_ascii());
            }
        }
        Some(text.trim_ascii())
    }
}

/// Whether an odd number of backslashes stands before `at`.
fn is_escaped(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// One element of `Forwarded` (RFC 7239): what a proxy tells of the hop before it.
#[derive(Default)]
struct Hop {
    node: Option<String>,
    proto: Option<String>,
    host: Option<String>,
}

impl Hop {
    /// None where the element breaks the grammar or names a parameter twice.
    fn read(element: &str) -> Option<Self> {
        let mut hop = Self::default();
        for pair in SplitFromRight::on(b';', element.as_bytes()).filter(|pair| !pair.is_empty()) {
            let (name, value) = as_text(pair)?.split_once('=')?;
            let value = unquoted(value)?;
            let slot = match name.to_ascii_lowercase().as_str() {
                "for" => &mut hop.node,
                "proto" => &mut hop.proto,
                "host" => &mut hop.host,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return None;
            }
        }
        Some(hop)
    }
}

/// The value of a token or of a quoted string; none where quotes or escapes don't close.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return (!value.contains('"')).then(|| value.to_owned());
    };
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(text),
            '\\' => text.push(letters.next()?),
            letter => text.push(letter),
        }
    }
}

/// The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or
/// `[2001:db8::1]:80`, also within quotes, canonical. None for anything else: `unknown` and names
/// such as `_hidden` too.
fn address_of(node: &str) -> Option<IpAddr> {
    let node = node.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(node);
    if let Some(bracketed) = node.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let fine = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return if fine { canonical_v6(address) } else { None };
    }
    if let Some((address, port)) = node.split_once(':')
        && !port.contains(':')
    {
        return if is_port(port) { address.parse().ok().map(IpAddr::V4) } else { None };
    }
    node.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn canonical_v6(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv6Addr>().ok().map(|v6| v6.to_canonical())
}

/// Whether this is a port: a number to 65535, or a hidden one such as `_p1` (RFC 7239, 6.3).
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(hidden) => !hidden.is_empty(),
        None => text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

fn is_https(proto: &str) -> Option<bool> {
    if proto.eq_ignore_ascii_case("https") {
        Some(true)
    } else if proto.eq_ignore_ascii_case("http") {
        Some(false)
    } else {
        None
    }
}

/// The host, where it has the shape of one: links are built on it.
fn host_of(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let fine = text.len() <= LONGEST_HOST
        && text.bytes().all(plain)
        && text.parse::<Authority>().is_ok_and(|authority| !authority.host().is_empty());
    fine.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn nets(list: &[&str]) -> Vec<IpNet> {
        list.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn from(peer: &str, tls: bool) -> Connection {
        Connection::new(SocketAddr::new(peer.parse().unwrap(), 40_000), tls)
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    /// The client seen behind the trusted proxy 10.0.0.1 (`10.0.0.0/8`, `fd00::/8`).
    fn behind_proxy(lines: &[(&'static str, &str)]) -> Client {
        let trusted = nets(&["10.0.0.0/8", "fd00::/8"]);
        client_of(&from("10.0.0.1", false), &headers(lines), &trusted)
    }

    fn address_behind_proxy(name: &'static str, value: &str) -> String {
        behind_proxy(&[(name, value)]).address.to_string()
    }

    #[test]
    fn without_trusted_proxies_the_peer_is_the_client_whatever_the_headers_say() {
        let lines = headers(&[
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=192.0.2.2;proto=https;host=evil.example"),
        ]);
        let peer = Client { address: "203.0.113.9".parse().unwrap(), https: false, host: None };
        assert_eq!(client_of(&from("203.0.113.9", false), &lines, &[]), peer);
        assert_eq!(client_of(&from("203.0.113.9", false), &lines, &nets(&["10.0.0.0/8"])), peer);
    }

    #[test]
    fn a_mapped_peer_is_shown_as_ipv4() {
        let connection = from("::ffff:203.0.113.9", true);
        assert_eq!(connection.remote.to_string(), "203.0.113.9:40000");
        let client = client_of(&connection, &HeaderMap::new(), &[]);
        assert_eq!(client.address.to_string(), "203.0.113.9");
        assert!(client.https);
    }

    #[test]
    fn mapped_networks_trust_the_ipv4_addresses_they_map_and_other_ipv6_networks_none() {
        let lines = headers(&[("x-forwarded-for", "192.0.2.1")]);
        let seen = |net: &str, peer: &str| {
            client_of(&from(peer, false), &lines, &nets(&[net])).address.to_string()
        };
        assert_eq!(seen("::ffff:10.0.0.0/104", "10.1.2.3"), "192.0.2.1");
        assert_eq!(seen("::ffff:10.0.0.0/104", "11.1.2.3"), "11.1.2.3");
        assert_eq!(seen("10.0.0.0/8", "::ffff:10.1.2.3"), "192.0.2.1");
        assert_eq!(seen("::/0", "10.1.2.3"), "10.1.2.3");
        assert_eq!(seen("::/0", "2001:db8::7"), "192.0.2.1");
    }

    #[test]
    fn x_forwarded_for_gives_its_right_most_untrusted_address() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1, 10.0.0.7", "192.0.2.1"),
            ("192.0.2.1,10.0.0.7 ,  10.0.0.8", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1,", "192.0.2.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("192.0.2.1:5544", "192.0.2.1"),
            ("192.0.2.1, [fd00::1]:5544", "192.0.2.1"),
            ("[2001:db8::1]:5544", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("\"[2001:db8::1]:80\"", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, ::ffff:10.0.0.9", "192.0.2.1"),
        ] {
            assert_eq!(address_behind_proxy("x-forwarded-for", value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_address_stops_the_walk_at_the_last_trusted_proxy() {
        for value in [
            "unknown",
            "",
            "192.0.2.1, unknown",
            "192.0.2.1, _hidden",
            "192.0.2.1:99999",
            "192.0.2.1:",
            "192.0.2.1:+1",
            "192.0.2.256",
            "192.0.2.01",
            "[192.0.2.1]",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "[]:80",
            "fe80::1%eth0",
            "192.0.2.1 192.0.2.2",
            "host.example",
        ] {
            assert_eq!(address_behind_proxy("x-forwarded-for", value), "10.0.0.1", "{value}");
        }
        assert_eq!(address_behind_proxy("x-forwarded-for", "6.6.6.6, ?, 10.0.0.7"), "10.0.0.7");
    }

    #[test]
    fn several_header_lines_count_as_one_list_in_order() {
        let lines = [("x-forwarded-for", "6.6.6.6, 192.0.2.1"), ("x-forwarded-for", "10.0.0.7")];
        assert_eq!(behind_proxy(&lines).address.to_string(), "192.0.2.1");
        let lines = [("forwarded", "for=6.6.6.6"), ("forwarded", "for=192.0.2.1, for=10.0.0.7")];
        assert_eq!(behind_proxy(&lines).address.to_string(), "192.0.2.1");
    }

    #[test]
    fn forwarded_gives_its_right_most_untrusted_address() {
        for (value, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1:4711\"", "192.0.2.1"),
            ("for=192.0.2.1:4711", "192.0.2.1"),
            ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]:_p\"", "2001:db8::1"),
            ("for=\"192.0\\.2.1\"", "192.0.2.1"),
            ("by=10.0.0.1;for=192.0.2.1 ; proto=http", "192.0.2.1"),
            ("for=6.6.6.6, for=192.0.2.1, for=\"[fd00::2]\"", "192.0.2.1"),
            ("for=6.6.6.6;host=\"a,b\", for=192.0.2.1;ext=\"x,y;z\"", "192.0.2.1"),
            ("for=\", for=192.0.2.1", "192.0.2.1"),
            ("for=6.6.6.6;x=\", for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=6.6.6.6, for=_gw, for=10.0.0.7", "10.0.0.7"),
            ("for=192.0.2.1;for=192.0.2.2", "10.0.0.1"),
            ("for", "10.0.0.1"),
            ("for=\"192.0.2.1", "10.0.0.1"),
            ("for=\"192.0.2.1\"x", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(address_behind_proxy("forwarded", value), expected, "{value}");
        }
    }

    #[test]
    fn forwarded_counts_only_where_x_forwarded_for_is_absent() {
        let client = behind_proxy(&[
            ("forwarded", "for=6.6.6.6;proto=https;host=evil.example"),
            ("x-forwarded-for", "192.0.2.1"),
        ]);
        let expected = Client { address: "192.0.2.1".parse().unwrap(), https: false, host: None };
        assert_eq!(client, expected);
    }

    #[test]
    fn scheme_and_host_come_from_the_proxy_that_named_the_client() {
        let client = behind_proxy(&[
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "ping.example.org:8443"),
        ]);
        assert!(client.https);
        assert_eq!(client.host.as_deref(), Some("ping.example.org:8443"));

        let client = behind_proxy(&[
            ("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.7"),
            ("x-forwarded-proto", "http, https, http"),
            ("x-forwarded-host", "evil.example, outer.example, inner.example"),
        ]);
        assert!(client.https);
        assert_eq!(client.host.as_deref(), Some("outer.example"));

        let client = behind_proxy(&[(
            "forwarded",
            "for=6.6.6.6;host=evil.example, for=192.0.2.1;proto=https;host=\"outer.example:1\", \
             for=10.0.0.7;proto=http;host=inner.example",
        )]);
        assert!(client.https);
        assert_eq!(client.host.as_deref(), Some("outer.example:1"));
    }

    #[test]
    fn a_proxy_that_hides_the_client_still_tells_scheme_and_host() {
        let client = behind_proxy(&[("forwarded", "for=unknown;proto=https;host=a.example")]);
        let address = "10.0.0.1".parse().unwrap();
        let expected = Client { address, https: true, host: Some("a.example".to_owned()) };
        assert_eq!(client, expected);
        let lines = [("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")];
        assert_eq!(behind_proxy(&lines), expected);
    }

    #[test]
    fn an_unknown_scheme_leaves_what_the_connection_speaks() {
        let lines = headers(&[("x-forwarded-proto", "gopher"), ("x-forwarded-for", "192.0.2.1")]);
        let trusted = nets(&["10.0.0.0/8"]);
        assert!(client_of(&from("10.0.0.1", true), &lines, &trusted).https);
        assert!(!client_of(&from("10.0.0.1", false), &lines, &trusted).https);
    }

    #[test]
    fn a_host_that_is_none_is_ignored() {
        for host in ["a.example/x", "user@a.example", "a b", "a\"b", "<b>", ":80", "%41", "a?b"] {
            assert_eq!(behind_proxy(&[("x-forwarded-host", host)]).host, None, "{host}");
        }
        let long = "a".repeat(LONGEST_HOST + 1);
        assert_eq!(behind_proxy(&[("x-forwarded-host", &long)]).host, None);
        let six = behind_proxy(&[("x-forwarded-host", "[::1]:8000")]).host;
        assert_eq!(six.as_deref(), Some("[::1]:8000"));
    }

    /// Header bytes with many of the letters that matter.
    fn any_value() -> impl Strategy<Value = Vec<u8>> {
        let telling = proptest::sample::select(b"for=\"\\;, []:.0129a_host\t\xff".to_vec());
        proptest::collection::vec(prop_oneof![3 => telling, 1 => any::<u8>()], 0..80)
            .prop_map(|bytes| bytes.into_iter().filter(|b| *b == 9 || (*b >= 32 && *b != 127)))
            .prop_map(Iterator::collect)
    }

    proptest! {
        #[test]
        fn no_header_bytes_make_it_panic(
            values in proptest::collection::vec((0..4_usize, any_value()), 0..6),
        ) {
            let names = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST, FORWARDED];
            let mut lines = HeaderMap::new();
            for (which, value) in &values {
                lines.append(names[*which].clone(), HeaderValue::from_bytes(value).unwrap());
            }
            let everything = nets(&["0.0.0.0/0", "::/0"]);
            let client = client_of(&from("10.0.0.1", false), &lines, &everything);
            prop_assert_eq!(client.address, client.address.to_canonical());
        }

        #[test]
        fn nothing_a_client_sends_changes_what_the_trusted_proxy_appends(value in any_value()) {
            let trusted = nets(&["10.0.0.0/8"]);
            for (name, appended) in [
                (X_FORWARDED_FOR, "192.0.2.1"),
                (FORWARDED, "for=192.0.2.1;proto=https;host=\"a.example\""),
                (FORWARDED, "for=\"192.0.2.1:80\""),
            ] {
                let mut forged = value.clone();
                forged.extend_from_slice(b", ");
                forged.extend_from_slice(appended.as_bytes());
                let mut lines = HeaderMap::new();
                lines.append(name, HeaderValue::from_bytes(&forged).unwrap());
                let client = client_of(&from("10.0.0.1", false), &lines, &trusted);
                prop_assert_eq!(client.address.to_string(), "192.0.2.1");
            }
        }
    }
}
