//! Taking over from another system: what it has, in a form that none of them has (`Incoming`), where
//! that is read (`healthchecks/`, `uptime_kuma.rs`), and how it becomes checks of a project
//! (`carry.rs`). UUIDs and slugs are kept, so that no job has to be changed; doing it again changes
//! only what has changed.

mod carry;
pub mod healthchecks;
pub mod uptime_kuma;

use carry::Carrier;
pub use carry::{Outcome, Progress, carry};

use serde_json::Value;

use crate::clock::Timestamp;
use crate::domain::check::{Reason, Status};
use crate::domain::monitor::Device;
use crate::notify::channels::Kind;
use crate::service::checks::Change;
use crate::store::pings::PingRow;

/// What another system has.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Its checks.
    pub checks: Vec<IncomingCheck>,
    /// What it probes.
    pub devices: Vec<IncomingDevice>,
    /// What it has and can't be carried over, and why; a line each.
    pub lost: Vec<String>,
}

/// A check of another system.
#[derive(Debug)]
pub struct IncomingCheck {
    /// Its UUID, which jobs ping; none: it is known by its name.
    pub uuid: Option<String>,
    /// What is set about it, save its channels.
    pub change: Change,
    /// The names of the channels that it tells.
    pub channels: Vec<String>,
    /// How it is.
    pub status: Status,
    /// Its pings so far.
    pub n_pings: i64,
    /// When the last success or failure came.
    pub last_ping_at: Option<Timestamp>,
    /// How long the last run took, in microseconds.
    pub last_duration: Option<i64>,
    /// Its latest pings, the oldest first, with their bodies.
    pub pings: Vec<(PingRow, Vec<u8>)>,
    /// When it turned to what, the oldest first.
    pub flips: Vec<IncomingFlip>,
    /// The UUID in the address of its badge.
    pub badge_uuid: Option<String>,
}

/// A turn of a check.
#[derive(Clone, Copy, Debug)]
pub struct IncomingFlip {
    /// When.
    pub at: Timestamp,
    /// What it turned to.
    pub to: Status,
    /// Why, as far as it is told.
    pub reason: Reason,
}

impl IncomingFlip {
    /// A turn whose reason is not told: what turns a check down is mostly that nothing came.
    fn untold(at: Timestamp, to: Status) -> Self {
        let reason = match to {
            Status::Down => Reason::Timeout,
            Status::Paused => Reason::Pause,
            Status::New => Reason::Resume,
            Status::Up => Reason::Ping,
        };
        Self { at, to, reason }
    }
}

/// A way on which another system tells of its checks.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a box that people tick")]
pub struct IncomingChannel {
    /// What it is called, by which checks name it.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The kind's settings; of a group none.
    pub config: Value,
    /// The names of the members of a group.
    pub members: Vec<String>,
    /// It tells of downs.
    pub on_down: bool,
    /// It tells of ups.
    pub on_up: bool,
    /// It tells nothing.
    pub is_disabled: bool,
    /// Its recipient has agreed there.
    pub is_confirmed: bool,
}

/// Something that another system probes.
#[derive(Debug)]
pub struct IncomingDevice {
    /// What it is called there.
    pub name: String,
    /// What is asked, and how; not yet checked.
    pub device: Device,
    /// It is watched.
    pub is_enabled: bool,
    /// The names of the channels that it tells.
    pub channels: Vec<String>,
}

impl IncomingCheck {
    /// What it is called in messages.
    #[must_use]
    pub fn title(&self) -> &str {
        match self.change.check_name.as_deref() {
            None | Some("") => self.uuid.as_deref().unwrap_or("?"),
            Some(name) => name,
        }
    }
}
