//! Networks of addresses as people write them, in one canonical form.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// Reads an address (the network of it alone) or a network such as `10.0.0.0/8`. Bits beyond the
/// prefix are dropped; IPv4-mapped IPv6 networks become the IPv4 ones that peers are shown as.
/// None where the text is neither.
#[must_use]
pub fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let net = text.parse::<IpNet>().ok().or_else(address)?.trunc();
    Some(mapped(&net).unwrap_or(net))
}

/// The IPv4 network inside an IPv4-mapped IPv6 one (`::ffff:0:0/96` and longer).
fn mapped(net: &IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = net else { return None };
    let prefix = v6.prefix_len().checked_sub(96)?;
    let address: Ipv4Addr = v6.addr().to_ipv4_mapped()?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_in_one_form() {
        for (text, net) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).map(|net| net.to_string()).as_deref(), Some(net), "{text}");
        }
        for text in ["", "here", "10.0.0.0/33", "10.0.0"] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
