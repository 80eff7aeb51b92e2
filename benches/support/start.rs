//! How long a server takes from its start to its first answer to a ping.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use overdue::clock::{Clock, SECOND};

use super::bed::{Bed, Pings};
use super::load::Style;

/// The pause after a connection that was refused.
const PAUSE: Duration = Duration::from_micros(500);
/// How long it may take before the bench gives up on it.
const PATIENCE: i64 = 60 * SECOND;

/// Stops the server, starts it again, and pings it until it answers: the milliseconds from just
/// before its process is made to the end of the first answer with status 200.
pub async fn milliseconds_to_first_ping(bed: &mut Bed) -> f64 {
    let load = bed.load(Style::Close, 1, Pings { checks: 1, ..Pings::PLAIN }).await;
    bed.stop().await;
    let clock = Clock::system();
    let began = clock.steady_micros();
    let visitor = tokio::task::spawn_blocking({
        let clock = clock.clone();
        move || {
            while !is_answered(load.address, &load.requests[0]) {
                assert!(clock.steady_micros() < PATIENCE, "no ping was answered after the start");
                thread::sleep(PAUSE);
            }
            clock.steady_micros()
        }
    });
    bed.server.restart().await;
    let answered = visitor.await.expect("the server answers pings once it is up");
    (answered - began) as f64 / 1e3
}

fn is_answered(address: SocketAddr, request: &[u8]) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
