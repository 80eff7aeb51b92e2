//! The floor: what a server does that does nothing. It is axum as it comes, on a multi-thread
//! runtime as Overdue has, with `TCP_NODELAY`, and answers `OK` to any request. It parses requests
//! and writes answers, and so no server made with axum can be faster; what a ping costs beyond it
//! is what Overdue makes of it. It is this very program, started once more with an argument, so
//! that it has a process of its own as the server has.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// The argument that makes a bench the floor.
const ARGUMENT: &str = "--floor";

/// Whether this process is to be the floor.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == ARGUMENT)
}

/// Says on standard output where it listens, and serves until standard input ends.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads for a runtime");
    runtime.spawn(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let app = Router::new().fallback(async || "OK");
        axum::serve(listener, app).await.unwrap();
    });
    // Whoever started it is gone when this ends.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A floor that runs; it ends when dropped.
pub struct Floor {
    child: Child,
    address: SocketAddr,
}

impl Floor {
    /// Starts one.
    pub fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().expect("it says where it listens") }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
