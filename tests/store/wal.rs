//! What really stands in a write-ahead log.
//!
//! A header of 32 bytes holds two salts at 16; frames follow, each of a header of
//! 24 bytes, which repeats the salts at 8, and a page. Frames with other salts
//! are what an earlier round of the log left behind.

use std::fs;
use std::path::Path;

const HEADER: usize = 32;
pub const FRAME: usize = 4096 + 24;

/// The salts of a log; zeros before anything was written to it.
pub fn salts(path: &Path) -> [u8; 8] {
    let bytes = fs::read(path).unwrap();
    bytes.get(16..24).map_or([0; 8], |salts| salts.try_into().unwrap())
}

/// Bytes of a log that hold its header and frames.
pub fn used(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    let Some((header, frames)) = bytes.split_first_chunk::<HEADER>() else { return 0 };
    if header[16..24] == [0; 8] {
        return 0;
    }
    HEADER + FRAME * frames.chunks_exact(FRAME).take_while(|frame| frame[8..16] == header[16..24]).count()
}
