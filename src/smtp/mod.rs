//! Email pings (`ping-api.md`, "By email"): a listener that takes mail for checks and nothing else.
//! It never relays: an address that is not ours is refused when it is named. 250 to a message is
//! said only after every recipient's ping is committed.

mod bounce;
mod command;
mod letter;
mod message;
mod postbox;
mod reply;
mod session;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::listen::{self, Bound, FAILURES_A_LINE, PAUSE};
pub use postbox::Postbox;
pub use session::Patience;
use session::Session;
use wire::Wire;

/// The bounds within which [`serve`] works.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more are told to come again. Each may hold one message in memory.
    pub connections: usize,
    /// Those of them that one network may have.
    pub connections_per_network: usize,
    /// How long things may take.
    pub patience: Patience,
    /// How long a client may be silent while more than half of the connections are taken.
    pub crowded_silence: Duration,
    /// How long a stop waits for messages in flight.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100,
            connections_per_network: 25,
            patience: Patience {
                silence: Duration::from_mins(5),
                message: Duration::from_mins(10),
                handshake: Duration::from_secs(10),
                session: Duration::from_mins(30),
            },
            crowded_silence: Duration::from_secs(10),
            drain: Duration::from_secs(4),
        }
    }
}

/// Takes mail on `bound` until `stop` is true or its sender is gone; then takes no more connections,
/// lets messages in flight come to their end for at most [`Limits::drain`], and cuts the rest.
///
/// # Errors
/// The runtime refuses the socket.
pub async fn serve(
    bound: Bound,
    postbox: Postbox,
    mut stop: watch::Receiver<bool>,
    limits: Limits,
) -> io::Result<()> {
    let listener = bound.into_listener()?;
    let mut door = Door {
        postbox: Arc::new(postbox),
        limits,
        places: Arc::new(Semaphore::new(limits.connections)),
        networks: Networks::default(),
        stop: stop.clone(),
        sessions: JoinSet::new(),
    };
    tokio::select! {
        // An error means that nobody is left who could ask for a stop: that is one too.
        _ = stop.wait_for(|stop| *stop) => {}
        () = door.open(&listener) => {}
    }
    drop(listener);
    door.close().await;
    Ok(())
}

/// Where clients come in.
struct Door {
    postbox: Arc<Postbox>,
    limits: Limits,
    places: Arc<Semaphore>,
    networks: Networks,
    stop: watch::Receiver<bool>,
    sessions: JoinSet<()>,
}

impl Door {
    async fn open(&mut self, listener: &TcpListener) {
        let mut failures = 0_u32;
        loop {
            tokio::select! {
                Some(ended) = self.sessions.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        tracing::error!("a mail session broke down");
                    }
                }
                arrival = listener.accept() => match arrival {
                    Ok((stream, peer)) => self.let_in(stream, peer.ip().to_canonical()),
                    Err(error) if listen::is_the_peers(&error) => {}
                    Err(error) => {
                        if failures.is_multiple_of(FAILURES_A_LINE) {
                            tracing::warn!("mail can't be accepted at the moment: {error}");
                        }
                        failures = failures.wrapping_add(1);
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    fn let_in(&mut self, stream: TcpStream, peer: IpAddr) {
        // It fails only where the peer has gone: reading will tell.
        let _ = stream.set_nodelay(true);
        let mut wire = Wire::new(stream);
        let Some(place) = self.place_for(peer) else {
            self.sessions.spawn(async move {
                wire.say(&reply::TOO_MANY_CONNECTIONS.into());
                wire.close(Duration::from_secs(2)).await;
            });
            return;
        };
        let mut patience = self.limits.patience;
        if self.places.available_permits() < self.limits.connections / 2 {
            patience.silence = patience.silence.min(self.limits.crowded_silence);
        }
        let session = Session::new(wire, peer, self.postbox.clone(), patience, self.stop.clone());
        self.sessions.spawn(async move {
            let _place = place;
            session.run().await;
        });
    }

    fn place_for(&self, peer: IpAddr) -> Option<(OwnedSemaphorePermit, Guest)> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let guest = self.networks.let_in(peer, self.limits.connections_per_network)?;
        Some((place, guest))
    }

    async fn close(mut self) {
        let all = async { while self.sessions.join_next().await.is_some() {} };
        if timeout(self.limits.drain, all).await.is_err() {
            tracing::warn!("mail sessions still going on are cut off");
            self.sessions.shutdown().await;
        }
    }
}

/// How many connections each network has.
#[derive(Clone, Debug, Default)]
struct Networks(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted for its network, until it is dropped.
struct Guest {
    networks: Networks,
    network: IpAddr,
}

impl Networks {
    /// Counts one more from this address, unless its network has as many as it may.
    fn let_in(&self, peer: IpAddr, most: usize) -> Option<Guest> {
        let network = network_of(peer);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        (*count < most).then(|| {
            *count += 1;
            Guest { networks: self.clone(), network }
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.networks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// An IPv4 address by itself; of an IPv6 one the 64 bits that a customer is given.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_places_and_gets_them_back() {
        let networks = Networks::default();
        let from = |text: &str| networks.let_in(text.parse().unwrap(), 2);
        let first = from("2001:db8::1");
        let second = from("2001:db8::2:1");
        assert!(first.is_some() && second.is_some() && from("2001:db8::3").is_none());
        assert!(from("2001:db8:0:1::1").is_some() && from("192.0.2.1").is_some());
        drop(first);
        assert!(from("2001:db8::3").is_some());
        drop(second);
        assert!(networks.0.lock().unwrap().is_empty());
    }
}
