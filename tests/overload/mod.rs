//! More than the server can take, and clients that take their time: what it refuses it says, what it
//! took it keeps, and nobody pays for another.

mod jam;
#[cfg(target_os = "linux")]
mod slow;
