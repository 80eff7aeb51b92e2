//! What a disk holds after a power cut, told from what was done to it until then.
//!
//! The model is a file system behind a page cache, as Linux has it, that keeps the promises of POSIX
//! and no more:
//! * What was written before an fsync of the file began, and that ended well, is there.
//! * Of what was written later, each sector of 512 bytes stands as it was at some moment since: the
//!   cache writes sectors whole, in any order, at any time. So a write may be torn between sectors,
//!   and a later one may be there without an earlier one.
//! * The length follows from that: a hole reads as zeros, never as what the disk held before (as on
//!   ext4 with `data=ordered`, XFS, btrfs).
//! * Cuts of a file's length are journaled: they are there in their order, up to some moment. What was
//!   written later beyond a cut that is not there is not there either.
//! * Names (made, linked, renamed, removed) are journaled in their order as well, up to some moment.
//!   Only an fsync of their folder makes sure of them: that of the file alone does not, though on the
//!   file systems named above it would.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::support::disk::{Deed, Record};

const SECTOR: usize = 512;

/// How much of what is not sure is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsure {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// Some of it, as the dice fall.
    Torn,
}

/// The files that are found after a cut, by their paths.
pub type Found = BTreeMap<PathBuf, Vec<u8>>;

/// A disk on which one deed follows another.
#[derive(Default)]
pub struct Drive {
    files: Vec<File>,
    by_inode: HashMap<u64, usize>,
    sure_names: Names,
    unsure_names: Vec<(u64, Naming)>,
    /// What programs see.
    names: Names,
}

type Names = BTreeMap<PathBuf, usize>;

#[derive(Default)]
struct File {
    sure: Vec<u8>,
    unsure: Vec<(u64, Change)>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Bytes),
    Cut(usize),
}

#[derive(Clone)]
enum Naming {
    Add(PathBuf, usize),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Drive {
    /// Takes in the next deed.
    pub fn take(&mut self, record: &Record) {
        let end = record.end;
        match &record.deed {
            Deed::Made { inode, path } => {
                self.files.push(File::default());
                self.by_inode.insert(*inode, self.files.len() - 1);
                self.name(end, Naming::Add(path.clone(), self.files.len() - 1));
            }
            Deed::Wrote { inode, at, data } => {
                self.change(end, *inode, Change::Write(size(*at), data.clone()));
            }
            Deed::Cut { inode, length } => self.change(end, *inode, Change::Cut(size(*length))),
            Deed::Synced { inode, begun } => self.file(*inode).settle(*begun),
            Deed::FolderSynced { path, begun } => self.settle_names(path, *begun),
            Deed::Linked { old, new } => {
                self.name(end, Naming::Add(new.clone(), self.names[old]));
            }
            Deed::Renamed { old, new } => self.name(end, Naming::Move(old.clone(), new.clone())),
            Deed::Removed { path } => self.name(end, Naming::Remove(path.clone())),
        }
    }

    /// What would be found if the power went now.
    pub fn after_a_cut(&self, unsure: Unsure, dice: &mut StdRng) -> Found {
        let mut names = self.sure_names.clone();
        let journaled = match unsure {
            Unsure::Lost => 0,
            Unsure::Kept => self.unsure_names.len(),
            Unsure::Torn => dice.random_range(0..=self.unsure_names.len()),
        };
        for (_, naming) in &self.unsure_names[..journaled] {
            naming.apply(&mut names);
        }
        let contents = names
            .into_iter()
            .map(|(path, file)| (path, self.files[file].after_a_cut(unsure, dice)));
        contents.collect()
    }

    fn name(&mut self, end: u64, naming: Naming) {
        naming.apply(&mut self.names);
        self.unsure_names.push((end, naming));
    }

    /// All names lie in one folder, as the order in which several are made sure is not modelled.
    fn settle_names(&mut self, folder: &std::path::Path, begun: u64) {
        let elsewhere = self.names.keys().find(|path| path.parent() != Some(folder));
        assert_eq!(elsewhere, None, "not in {}", folder.display());
        let settled = self.unsure_names.partition_point(|(end, _)| *end <= begun);
        for (_, naming) in self.unsure_names.drain(..settled) {
            naming.apply(&mut self.sure_names);
        }
    }

    fn change(&mut self, end: u64, inode: u64, change: Change) {
        self.file(inode).unsure.push((end, change));
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let known = self.by_inode.get(&inode);
        let known =
            known.unwrap_or_else(|| panic!("inode {inode} was not made, of {:?}", self.names));
        &mut self.files[*known]
    }
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Move(old, new) => {
                let file = names.remove(old).expect("it had that name");
                names.insert(new.clone(), file);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl File {
    fn settle(&mut self, begun: u64) {
        let settled = self.unsure.partition_point(|(end, _)| *end <= begun);
        for (_, change) in self.unsure.drain(..settled) {
            change.apply(&mut self.sure);
        }
    }

    fn after_a_cut(&self, unsure: Unsure, dice: &mut StdRng) -> Vec<u8> {
        let mut content = self.sure.clone();
        match unsure {
            Unsure::Lost => {}
            Unsure::Kept => self.unsure.iter().for_each(|(_, change)| change.apply(&mut content)),
            Unsure::Torn => self.tear(&mut content, dice),
        }
        content
    }

    /// Brings each sector to a moment of its own, and the length to one of its own.
    fn tear(&self, content: &mut Vec<u8>, dice: &mut StdRng) {
        let now = self.unsure.len();
        let journaled = dice.random_range(0..=now);
        let flushed = dice.random::<f64>();
        let mut moments: HashMap<usize, usize> = HashMap::new();
        let mut ends_at = usize::MAX;
        for (i, (_, change)) in self.unsure.iter().enumerate() {
            match change {
                Change::Cut(_) if i < journaled => change.apply(content),
                Change::Cut(length) => ends_at = ends_at.min(*length),
                Change::Write(at, data) => {
                    for (at, part) in sectors(*at, data) {
                        let moment = *moments.entry(at / SECTOR).or_insert_with(|| {
                            if dice.random_bool(flushed) { now } else { dice.random_range(0..=now) }
                        });
                        let room = part.len().min(ends_at.saturating_sub(at));
                        if i < moment && room > 0 {
                            write(content, at, &part[..room]);
                        }
                    }
                }
            }
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => write(content, *at, data),
            Self::Cut(length) => content.resize(*length, 0),
        }
    }
}

fn write(content: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(data);
}

/// The parts of a write that lie in one sector each, and where.
fn sectors(at: usize, data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from;
        let left = SECTOR - (at + start) % SECTOR;
        from = data.len().min(start + left);
        (start < from).then(|| (at + start, &data[start..from]))
    })
}

fn size(number: u64) -> usize {
    usize::try_from(number).expect("files of the tests fit into memory")
}
