//! Searches pieces of memory for many short strings at once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Strings of at least 8 bytes, by name.
#[derive(Default)]
pub struct Search {
    names: Vec<String>,
    /// By their first eight bytes: the name's number and the rest.
    strings: HashMap<u64, Vec<(usize, Vec<u8>)>>,
    /// Which hashes of eight bytes occur at all.
    known: Vec<bool>,
}

/// What was found, and how: name, and form by form how often.
#[derive(Default)]
pub struct Finds(BTreeMap<String, (usize, u64)>);

/// A stretch of memory and where it begins.
pub struct Piece {
    pub start: u64,
    pub bytes: Vec<u8>,
}

const PAGE: usize = 4096;
const HASH_BITS: u32 = 22;

fn hash(word: u64) -> usize {
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - HASH_BITS)) as usize
}

impl Search {
    /// Searches for these, under one name.
    pub fn add(&mut self, name: &str, strings: Vec<Vec<u8>>) {
        self.known.resize(1 << HASH_BITS, false);
        let number = self.names.iter().position(|known| known == name).unwrap_or(self.names.len());
        if number == self.names.len() {
            self.names.push(name.to_owned());
        }
        for string in strings {
            let (first, rest) = string.split_first_chunk::<8>().unwrap();
            let word = u64::from_le_bytes(*first);
            // Zeros would be found everywhere.
            assert_ne!(word, 0);
            self.known[hash(word)] = true;
            self.strings.entry(word).or_default().push((number, rest.to_vec()));
        }
    }

    pub fn in_all(&self, pieces: &[Piece]) -> Finds {
        let mut finds = Finds::default();
        for piece in pieces {
            self.in_one(piece, &mut finds);
        }
        finds
    }

    fn in_one(&self, piece: &Piece, finds: &mut Finds) {
        let bytes = &piece.bytes;
        // Most of a core is pages of zeros, and no string begins with eight of them.
        let pages = (0..bytes.len()).step_by(PAGE);
        let places = pages.filter(|at| !bytes[*at..].starts_with(&[0; PAGE])).flat_map(|at| at..at + PAGE);
        for at in places.take_while(|at| at + 8 <= bytes.len()) {
            let word = u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
            if word == 0 || !self.known[hash(word)] {
                continue;
            }
            for (number, rest) in self.strings.get(&word).into_iter().flatten() {
                if bytes[at + 8..].starts_with(rest) {
                    let found = finds.0.entry(self.names[*number].clone());
                    found.or_insert((0, piece.start + at as u64)).0 += 1;
                }
            }
        }
    }
}

impl Finds {
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl fmt::Display for Finds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, (count, first)) in &self.0 {
            writeln!(f, "{name}: {count} strings of it, first at {first:#x}")?;
        }
        Ok(())
    }
}
