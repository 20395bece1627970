//! For tests: whether a secret lies anywhere in this process's ordinary memory.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::Barrier;
use std::thread;

/// Words are looked for in this disguise, or looking would be what leaves them.
const MASK: u64 = 0x5aa5_0ff0_c33c_9669;

/// Eight-byte words of secrets, disguised.
#[derive(Default)]
pub(crate) struct Words(HashSet<u64>);

impl Words {
    /// Adds the words of some bytes, but those that might be anything else's.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        // What a variant leaves unused may hold addresses: their upper bytes are zero.
        let is_telling =
            |word: &u64| word >> 48 != 0 && word.to_ne_bytes().iter().collect::<HashSet<_>>().len() > 4;
        self.0.extend(words.filter(is_telling).map(|word| word ^ MASK));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How often one of them lies about once `work` is done. Another thread looks, so
    /// that looking overwrites nothing.
    pub(crate) fn left_by(&self, work: impl FnOnce()) -> usize {
        let both = Barrier::new(2);
        thread::scope(|scope| {
            let search = scope.spawn(|| {
                both.wait();
                let found = self.found();
                both.wait();
                found
            });
            work();
            both.wait();
            both.wait();
            search.join().unwrap()
        })
    }

    /// How often one of them lies at a multiple of eight in memory that can be read from
    /// outside: a region's cannot, where the kernel has secret memory.
    fn found(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut page = vec![0; 4096];
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw-") && !line.contains("secretmem")) {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let address = |text| u64::from_str_radix(text, 16).unwrap();
            for place in (address(start)..address(end)).step_by(4096) {
                if memory.read_exact_at(&mut page, place).is_ok() {
                    let (words, _) = page.as_chunks::<8>();
                    let is_one = |word: &&[u8; 8]| self.0.contains(&(u64::from_ne_bytes(**word) ^ MASK));
                    found += words.iter().filter(is_one).count();
                }
            }
        }
        found
    }
}
