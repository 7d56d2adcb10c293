//! Formats: the same bundle in the clothes that a machine's first-boot program reads.
//!
//! A [`crate::bundle::Bundle`] comes in, entries of a [`Tree`] go out. The tree knows no disk; the binary writes it.

pub mod cloud_init;
pub mod ignition;
pub mod network;
pub mod plain;

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// Files to be written, by path relative to the output folder, with `/` on every platform.
#[derive(Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

/// Writes a file's bytes, the same each time.
pub type Content = dyn Fn(&mut dyn io::Write) -> io::Result<()>;

/// One of them.
pub enum Entry {
    /// A file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// `user:group` that it belongs to on the machine, where that is not the one who renders.
        owner: Option<String>,
    },
    /// A folder whose mode is not that of its parents.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A file that is too large for memory, and that only its owner may write.
    Stream {
        /// The digest of its bytes.
        sha256: [u8; 32],
        /// Writes them.
        write: Box<Content>,
    },
    /// A symbolic link.
    Link {
        /// What it points to.
        target: String,
    },
}

impl Tree {
    /// Adds a file that only its owner may read.
    pub fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.insert(path, Entry::File { content: content.into(), mode: 0o600, owner: None });
    }

    /// Adds an entry.
    pub fn insert(&mut self, path: impl Into<String>, entry: Entry) {
        self.entries.insert(path.into(), entry);
    }

    /// All entries, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The digest of a file.
    #[must_use]
    pub fn sha256(&self, path: &str) -> Option<[u8; 32]> {
        match self.entries.get(path)? {
            Entry::File { content, .. } => Some(Sha256::digest(content).into()),
            Entry::Stream { sha256, .. } => Some(*sha256),
            Entry::Directory { .. } | Entry::Link { .. } => None,
        }
    }

    /// The bytes of a file in memory.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        match self.entries.get(path) {
            Some(Entry::File { content, .. }) => Some(content),
            _ => None,
        }
    }
}

/// Compresses: the same bytes on every machine and every day, for neither name nor date are in them.
#[must_use]
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}
