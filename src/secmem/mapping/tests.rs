//! Tests of the pages under a region.
#![allow(unsafe_code, clippy::as_conversions)]

use std::fs;
use std::hint::black_box;
use std::ptr;

use rustix::mm::{self, MapFlags, ProtFlags};

use super::*;
use crate::secmem::child::{self, Outcome};

/// Mappings with every protection this kernel has.
fn mappings(bytes: usize) -> Vec<Mapping> {
    let locked = Mapping::new(bytes, Protection::Locked).unwrap();
    match Mapping::new(bytes, Protection::SecretMemory) {
        Ok(secret) => vec![secret, locked],
        Err(RegionError::NoSecretMemory(cause)) => {
            println!("SKIPPED the part for memfd_secret: {cause}");
            vec![locked]
        }
        Err(error) => panic!("{error}"),
    }
}

/// The kernel's flags of the mapping that starts at this address.
fn flags_at(address: usize) -> Vec<String> {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let start = format!("{address:08x}-");
    let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&start));
    let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"));
    let flags = flags.expect("a mapping at that address");
    flags.split_whitespace().map(str::to_owned).collect()
}

/// How a process ends that reads one byte there.
fn touch(place: *const u8) -> Outcome {
    child::run(|| {
        // SAFETY: none; the child is there to die of it.
        black_box(unsafe { place.read_volatile() });
    })
}

#[test]
fn pages_are_locked_not_dumped_not_inherited() {
    for mapping in mappings(5000) {
        let flags = flags_at(mapping.area.data().as_ptr() as usize);
        for flag in ["rd", "wr", "lo", "dd", "dc"] {
            let there = flags.iter().any(|one| one == flag);
            assert!(there, "{}: no {flag} in {flags:?}", mapping.protection);
        }
    }
}

#[test]
fn both_guard_pages_fault() {
    for mapping in mappings(5000) {
        let (start, len) = (mapping.area.data().as_ptr(), mapping.area.len());
        let page = rustix::param::page_size();
        assert_eq!(len, 2 * page, "5000 bytes in whole pages");
        // SAFETY: still in the reservation.
        let (before, after) = unsafe { (start.sub(1), start.add(len)) };
        // SAFETY: still in the reservation.
        let (first, last) = unsafe { (start.sub(page), start.add(len + page - 1)) };
        for guard in [before, after, first, last] {
            assert_eq!(touch(guard), Outcome::Signal(libc::SIGSEGV));
        }
    }
    let ordinary = 7;
    assert_eq!(touch(&raw const ordinary), Outcome::Done);
}

#[test]
fn slots_are_a_slot_apart_and_inside() {
    let mapping = Mapping::new(5000, Protection::Locked).unwrap();
    let room = mapping.area.len() / SLOT_BYTES;
    // SAFETY: called once for this mapping, which is kept to the end.
    let slots = unsafe { mapping.slots(usize::MAX) };
    assert_eq!(slots.len(), room);
    for (index, slot) in slots.iter().enumerate() {
        // SAFETY: the mapping is alive.
        let place = unsafe { slot.bytes() }.as_ptr() as usize;
        assert_eq!(place, mapping.area.data().as_ptr() as usize + index * SLOT_BYTES);
    }
}

#[test]
fn the_last_user_leaves_zeros() {
    // The same file is looked at through a second mapping, after the first is gone.
    let mut area = Area::reserve(100).unwrap();
    let (len, file) = match secret_file(area.len()) {
        Ok(file) => (area.len(), file),
        Err(cause) => return println!("SKIPPED: {cause}"),
    };
    area.map_file(&file).unwrap();
    let protection = Protection::SecretMemory;
    let mapping = Mapping { area, protection };
    // SAFETY: in the mapping, and nothing else refers to it.
    unsafe { mapping.area.data().as_ptr().write_bytes(0xA5, len) };
    let (any, flags) = (ptr::null_mut(), MapFlags::SHARED);
    // SAFETY: a new mapping, which the test keeps until its process ends.
    let seen = unsafe { mm::mmap(any, len, ProtFlags::READ, flags, &file, 0) }.unwrap();
    let look = || {
        // SAFETY: `len` bytes are mapped there; copied while nobody writes.
        unsafe { slice::from_raw_parts(seen.cast::<u8>(), len) }.to_vec()
    };
    assert!(look().iter().all(|&byte| byte == 0xA5));
    drop(mapping);
    assert!(look().iter().all(|&byte| byte == 0));
}

#[test]
fn the_last_user_unmaps() {
    // In a child, so that no other thread maps something there at once.
    let outcome = child::run(|| {
        let mapping = Mapping::new(100, Protection::Locked).unwrap();
        let place = mapping.area.data().as_ptr();
        drop(mapping);
        // SAFETY: none; the child is there to die of it.
        black_box(unsafe { place.read_volatile() });
    });
    assert_eq!(outcome, Outcome::Signal(libc::SIGSEGV));
}
