//! A disk that is slow, and one that remembers what was done to it: `disk.c`, put before the server
//! by `LD_PRELOAD`. Its settings go among those of a server and count for its command line as well.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;

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
            super::pass_over(&format!(
                "skipped what needs a disk of ours: cc can't be run ({error})"
            ));
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

/// Something that was done to a file or a folder, files by their inode.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A file was made, empty.
    Made { inode: u64, path: PathBuf },
    /// Bytes were written.
    Wrote { inode: u64, at: u64, data: Bytes },
    /// It was cut, or grown with zeros, to this length.
    Cut { inode: u64, length: u64 },
    /// An fsync of it ended well that began when the log was so long.
    Synced { inode: u64, begun: u64 },
    /// The same for a folder.
    FolderSynced { path: PathBuf, begun: u64 },
    /// A file got a second name.
    Linked { old: PathBuf, new: PathBuf },
    /// A file got another name, in place of what had it.
    Renamed { old: PathBuf, new: PathBuf },
    /// A name was taken away.
    Removed { path: PathBuf },
}

/// A deed, and how long the log was after it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where the next record begins.
    pub end: u64,
    /// What was done.
    pub deed: Deed,
}

/// Reads a log: what was done, in order. The end may be cut anywhere.
pub fn read(log: &Path) -> Vec<Record> {
    let text = Bytes::from(std::fs::read(log).unwrap());
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some((deed, end)) = record_at(&text, at) {
        records.push(Record { end: end as u64, deed });
        at = end;
    }
    records
}

/// The record that begins here, and where it ends.
fn record_at(text: &Bytes, at: usize) -> Option<(Deed, usize)> {
    let number = |place: usize| {
        let from = at + 8 * place;
        let bytes = text.get(from..from + 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().expect("eight of them")))
    };
    let (kind, inode, place, length) = (number(0)?, number(1)?, number(2)?, number(3)?);
    let (from, end) = (at + 32, at + 32 + usize::try_from(length).unwrap());
    if end > text.len() {
        return None;
    }
    let data = text.slice(from..end);
    let mut paths = data.split(|byte| *byte == 0).map(|path| {
        PathBuf::from(std::str::from_utf8(path).expect("paths of the tests are plain"))
    });
    let mut path = || paths.next().expect("a path");
    let deed = match u8::try_from(kind).map(char::from) {
        Ok('C') => Deed::Made { inode, path: path() },
        Ok('W') => Deed::Wrote { inode, at: place, data },
        Ok('T') => Deed::Cut { inode, length: place },
        Ok('S') => Deed::Synced { inode, begun: place },
        Ok('D') => Deed::FolderSynced { path: path(), begun: place },
        Ok('L') => Deed::Linked { old: path(), new: path() },
        Ok('R') => Deed::Renamed { old: path(), new: path() },
        Ok('U') => Deed::Removed { path: path() },
        Ok('X') => panic!("the recorder can't tell what this did: {}", path().display()),
        _ => panic!("not a log of disk.c at byte {at}"),
    };
    Some((deed, end))
}
