//! A folder of its own for each server, gone with it.

use std::fs;
use std::path::{Path, PathBuf};

/// A new folder under the system's temporary one, removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(super::random_name("overdue-test-"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed is the system's to clean up: no reason to fail a test.
        let _ = fs::remove_dir_all(&self.0);
    }
}
