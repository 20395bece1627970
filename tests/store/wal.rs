//! What really stands in a write-ahead log.
//!
//! A header of 32 bytes holds two salts at 16; frames follow, each of a header of
//! 24 bytes, which repeats the salts at 8, and a page. Frames with other salts
//! are what an earlier round of the log left behind.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const HEADER: usize = 32;
pub const FRAME: usize = 4096 + 24;

/// The salts of a log; zeros before anything was written to it.
pub fn salts(path: &Path) -> [u8; 8] {
    read(&File::open(path).unwrap(), 16)
}

/// Bytes of a log that hold its header and frames.
pub fn used(path: &Path) -> usize {
    let file = File::open(path).unwrap();
    let salts = read(&file, 16);
    if salts == [0; 8] {
        return 0;
    }
    let mut end = HEADER;
    while read(&file, end + 8) == salts {
        end += FRAME;
    }
    end
}

/// Eight bytes; zeros behind the end.
fn read(file: &File, at: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    match file.read_at(&mut bytes, at as u64).unwrap() {
        8 => bytes,
        _ => [0; 8],
    }
}
