//! A disk that is slow, and one that remembers what was done to it: `disk.c`, put before the server
//! by `LD_PRELOAD`. Its settings go among those of a server and count for its command line as well.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/disk.c");

/// The shim, made by the system's C compiler when it is first asked for. Where there is none, a line
/// says so; with `OVERDUE_TEST_ALL`, which `./test` sets, that is a failure.
pub fn shim() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

fn make() -> Option<PathBuf> {
    // A name of its own while it is written: several runs may be about it.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (made, place) = (folder.join(super::random_name("disk-")), folder.join("disk.so"));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", SOURCE, "-o"]);
    match command.arg(&made).output() {
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "cc refused {SOURCE}:\n{said}");
            std::fs::rename(&made, &place).unwrap();
            Some(place)
        }
        Err(error) => {
            assert!(std::env::var_os("OVERDUE_TEST_ALL").is_none(), "cc can't be run: {error}");
            // Written past the harness, which keeps what a passing test prints to itself.
            let mut out = std::io::stderr();
            writeln!(out, "\nskipped what needs a disk of ours: cc can't be run ({error})").unwrap();
            None
        }
    }
}

/// The settings of a server whose disk takes so much longer for every fsync.
pub fn slow(shim: &Path, delay: Duration) -> Vec<(String, String)> {
    settings(shim, &[("DISK_FSYNC_DELAY_US", &delay.as_micros().to_string())])
}

/// The settings of a server whose disk writes into `log` what is done to the files in and below the
/// server's own folder.
pub fn recorded(shim: &Path, log: &Path) -> Vec<(String, String)> {
    // The rig starts every process of a server in the server's folder.
    settings(shim, &[("DISK_LOG", log.to_str().unwrap()), ("DISK_LOG_UNDER", ".")])
}

fn settings(shim: &Path, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let preload = ("LD_PRELOAD", shim.to_str().unwrap());
    let all = std::iter::once(&preload).chain(more);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Settings as a server takes them.
pub fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
