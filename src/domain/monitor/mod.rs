//! Active monitors: what is probed from here, whether its settings fit, and when what probes find is
//! a verdict (`monitor-api.md`). Nothing here opens a connection.

mod device;
mod host;
mod target;
mod verdict;
#[cfg(test)]
mod tests;

pub use device::{Device, Probe, ServiceType, WebScheme};
pub use host::{Host, LONGEST_WAIT};
pub use target::{Listing, TargetType, check_target, host};
pub use verdict::{Seen, Standing, Verdict};
