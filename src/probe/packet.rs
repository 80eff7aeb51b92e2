//! Questions in one packet: to a name server, and to a host by ICMP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::found::{Found, Trouble};
use super::wire::{Wire, in_words};
use crate::domain::monitor::Device;
use crate::secret;

/// A packet may be lost: after so long it is sent again.
const AGAIN: Duration = Duration::from_secs(2);
/// An echo request, and its answer, of IPv4 and of IPv6.
const ECHO: [(u8, u8); 2] = [(8, 0), (128, 129)];

/// A name server is asked for the servers of the root; any answer to the question is one.
pub async fn name_server(wire: &Wire, device: &Device) -> Found {
    let mut found = Found::default();
    let outcome = async {
        let port = device.port.unwrap_or(53);
        let address = first(wire, device, &mut found).await?;
        let id = secret::random_bytes::<2>();
        // One question, recursion desired: the root's NS, class IN.
        let question = [id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
        let socket = UdpSocket::bind(any(address)).await.map_err(void)?;
        socket.connect(SocketAddr::new(address, port)).await.map_err(bad)?;
        // The same id, and the bit of an answer.
        let fits = |bytes: &[u8]| bytes.len() >= 12 && bytes[..2] == id && bytes[2] & 0x80 != 0;
        exchange(wire, &socket, &question, fits, &mut found).await
    }
    .await;
    found.ended(outcome)
}

/// A host is sent an echo request.
pub async fn echo(wire: &Wire, device: &Device) -> Found {
    let mut found = Found::default();
    let outcome = async {
        let address = first(wire, device, &mut found).await?;
        let socket = icmp(address)?;
        socket.connect(SocketAddr::new(address, 0)).await.map_err(bad)?;
        let (ask, answer) = ECHO[usize::from(address.is_ipv6())];
        let word = secret::random_bytes::<16>();
        // Type, code, checksum (the kernel's own where it is left out), id (the kernel's), number.
        let mut packet = vec![ask, 0, 0, 0, 0, 0, 0, 1];
        packet.extend_from_slice(&word);
        if address.is_ipv4() {
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        let fits = |bytes: &[u8]| bytes.first() == Some(&answer) && bytes.ends_with(&word);
        exchange(wire, &socket, &packet, fits, &mut found).await
    }
    .await;
    found.ended(outcome)
}

async fn first(wire: &Wire, device: &Device, found: &mut Found) -> Result<IpAddr, Trouble> {
    let addresses = wire.addresses(&device.target_value, found).await?;
    addresses.first().copied().ok_or_else(|| Trouble::bad("no address"))
}

fn any(like: IpAddr) -> SocketAddr {
    let any: IpAddr = match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(any, 0)
}

/// Sends a packet, again and again, until one comes that fits; whoever calls bounds the time.
async fn exchange(
    wire: &Wire,
    socket: &UdpSocket,
    packet: &[u8],
    fits: impl Fn(&[u8]) -> bool,
    found: &mut Found,
) -> Result<(), Trouble> {
    let began = wire.steady();
    let mut bytes = [0; 2048];
    loop {
        socket.send(packet).await.map_err(bad)?;
        let answer = async {
            loop {
                let length = socket.recv(&mut bytes).await.map_err(bad)?;
                if fits(&bytes[..length]) {
                    return Ok(());
                }
            }
        };
        if let Ok(answered) = timeout(AGAIN, answer).await {
            found.phases.first_byte = Some(wire.steady() - began);
            return answered;
        }
    }
}

/// A socket for echo requests that needs no privilege where the system lets this process have it.
fn icmp(address: IpAddr) -> Result<UdpSocket, Trouble> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol)).map_err(|_| {
        Trouble::Void(
            "this server may not send ICMP: the system's net.ipv4.ping_group_range has to have its \
             group in it"
                .to_owned(),
        )
    })?;
    socket.set_nonblocking(true).map_err(void)?;
    UdpSocket::from_std(socket.into()).map_err(void)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn bad(error: std::io::Error) -> Trouble {
    Trouble::bad(format!("no answer: {}", in_words(&error)))
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn void(error: std::io::Error) -> Trouble {
    Trouble::Void(format!("this server can't ask: {}", in_words(&error)))
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_packet_with_its_checksum_is_nought() {
        let mut packet = vec![8, 0, 0, 0, 0, 0, 0, 1, 0xab, 0xcd, 0xff];
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&packet), 0);
    }
}
