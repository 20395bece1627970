//! A disk with its page cache: what programs see, and what is durable.
//!
//! A write is seen at once and durable after a sync of its file. What was not
//! synced when power is lost may be there in part, in any order: see [`outage`].

mod file;
mod outage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use fastrand::Rng;

use file::{Change, File};
pub use outage::Style;

/// What is kept or lost as a whole.
pub const SECTOR: usize = 512;

/// The number of a file on its disk, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inode(usize);

/// Files and the one directory they lie in.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, Inode>,
    durable_names: BTreeMap<String, Inode>,
    /// Changes of the directory that are not durable yet, each whole or not at all.
    entries: Vec<Entry>,
}

/// The names that a change sets, each to a file or to none.
type Entry = Vec<(String, Option<Inode>)>;

impl Disk {
    /// A disk with one durable file.
    pub fn with_file(name: &str, bytes: Vec<u8>) -> Self {
        let mut disk = Self::default();
        disk.add_durable(name, bytes);
        disk
    }

    fn add_durable(&mut self, name: &str, bytes: Vec<u8>) {
        let inode = self.anonymous();
        self.files[inode.0] = File::durable(bytes);
        self.names.insert(name.to_owned(), inode);
        self.durable_names.insert(name.to_owned(), inode);
    }

    pub fn find(&self, name: &str) -> Option<Inode> {
        self.names.get(name).copied()
    }

    /// Makes an empty file, in place of one of the same name.
    pub fn create(&mut self, name: &str) -> Inode {
        let inode = self.anonymous();
        self.names.insert(name.to_owned(), inode);
        self.entries.push(vec![(name.to_owned(), Some(inode))]);
        inode
    }

    /// Makes a file without a name, which no outage leaves behind.
    pub fn anonymous(&mut self) -> Inode {
        self.files.push(File::default());
        Inode(self.files.len() - 1)
    }

    /// Takes a name away; whoever has the file open still sees it.
    pub fn remove(&mut self, name: &str) -> bool {
        let was = self.names.remove(name).is_some();
        if was {
            self.entries.push(vec![(name.to_owned(), None)]);
        }
        was
    }

    /// Gives a file another name, from which what had it is gone.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(inode) = self.names.remove(from) else { return false };
        self.names.insert(to.to_owned(), inode);
        self.entries.push(vec![(from.to_owned(), None), (to.to_owned(), Some(inode))]);
        true
    }

    /// Makes all names durable.
    pub fn sync_directory(&mut self) {
        for (name, file) in self.entries.drain(..).flatten() {
            set(&mut self.durable_names, name, file);
        }
    }

    pub fn bytes(&self, inode: Inode) -> &[u8] {
        self.files[inode.0].seen()
    }

    /// Bytes taken by the files that have a name; holes count as full.
    pub fn used(&self) -> usize {
        self.names.values().map(|inode| self.bytes(*inode).len()).sum()
    }

    pub fn write(&mut self, inode: Inode, offset: usize, data: &[u8]) {
        self.files[inode.0].change(Change::Write { offset, data: data.to_vec() });
    }

    pub fn truncate(&mut self, inode: Inode, len: usize) {
        self.files[inode.0].change(Change::Length(len));
    }

    /// Makes a file durable, but not its name.
    pub fn sync(&mut self, inode: Inode) {
        self.files[inode.0].sync();
    }

    /// A sync that failed: part of what was not durable became so, and the rest
    /// counts as clean. It is still seen, and no later sync writes it.
    pub fn fail_sync(&mut self, inode: Inode, rng: &mut Rng) {
        let style = Style::any(rng);
        self.files[inode.0].forget(style, rng);
    }

    /// The disk that is found when power comes back. Without a `style`, each
    /// file has one of its own.
    pub fn after_outage(&self, style: Option<Style>, rng: &mut Rng) -> Self {
        let mut found = Self::default();
        for (name, inode) in self.names_after_outage(style, rng) {
            let style = style.unwrap_or_else(|| Style::any(rng));
            let bytes = self.files[inode.0].after_outage(style, rng);
            found.add_durable(&name, bytes);
        }
        found
    }

    /// Any changes of the directory may be there, in order.
    fn names_after_outage(&self, style: Option<Style>, rng: &mut Rng) -> BTreeMap<String, Inode> {
        let mut names = self.durable_names.clone();
        for entry in &self.entries {
            let kept = match style {
                Some(Style::Nothing) => false,
                Some(Style::Everything) => true,
                _ => rng.bool(),
            };
            for (name, file) in entry.iter().filter(|_| kept) {
                set(&mut names, name.clone(), *file);
            }
        }
        names
    }
}

fn set(names: &mut BTreeMap<String, Inode>, name: String, file: Option<Inode>) {
    match file {
        Some(inode) => names.insert(name, inode),
        None => names.remove(&name),
    };
}
