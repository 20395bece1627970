//! Tests that look at a secret from outside: as another process would, and as
//! the kernel does.
#![allow(unsafe_code, clippy::as_conversions)]

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use super::child::{self, Outcome};
use super::{Protection, Region, RegionError, Secret32};

const MARK: [u8; 32] = *b"planted: to be found, or not to!";

fn secret_in(region: &Region) -> Secret32 {
    Secret32::fill_with::<RegionError>(region, |bytes| {
        bytes.copy_from_slice(&MARK);
        Ok(())
    })
    .unwrap()
}

/// Regions with every protection this kernel has.
pub(super) fn regions(slots: usize) -> Vec<Region> {
    let locked = Region::with_protection(slots, Protection::Locked).unwrap();
    match Region::with_protection(slots, Protection::SecretMemory) {
        Ok(secret) => vec![secret, locked],
        Err(RegionError::NoSecretMemory(cause)) => {
            println!("SKIPPED the part for memfd_secret: {cause}");
            vec![locked]
        }
        Err(error) => panic!("{error}"),
    }
}

fn read_through_proc(bytes: &[u8; 32]) -> std::io::Result<[u8; 32]> {
    let mut seen = [0; 32];
    File::open("/proc/self/mem")?.read_exact_at(&mut seen, bytes.as_ptr() as u64)?;
    Ok(seen)
}

#[test]
fn only_secret_memory_is_out_of_reach_of_proc_mem() {
    let planted = Box::new(MARK);
    assert_eq!(read_through_proc(black_box(&planted)).unwrap(), MARK);
    for region in regions(4) {
        let secret = secret_in(&region);
        let seen = read_through_proc(secret.expose());
        match region.protection() {
            Protection::SecretMemory => {
                let errno = Errno::from_io_error(&seen.unwrap_err()).unwrap();
                assert!(matches!(errno, Errno::IO | Errno::FAULT), "{errno}");
            }
            Protection::Locked => assert_eq!(seen.unwrap(), MARK),
        }
    }
}

#[test]
fn a_forked_child_has_no_secrets() {
    let heap = Box::new(MARK);
    assert_eq!(child::run(|| assert_eq!(*heap, MARK)), Outcome::Done);
    for region in regions(4) {
        let secret = secret_in(&region);
        let outcome = child::run(|| {
            black_box(*black_box(&secret).expose());
        });
        assert_eq!(outcome, Outcome::Signal(libc::SIGSEGV), "{region:?}");
        assert_eq!(secret.expose(), &MARK, "the parent's must be untouched");
    }
}

#[test]
fn a_kernel_without_secret_memory_is_met_with_a_lock() {
    for errno in [libc::ENOSYS, libc::EPERM, libc::EACCES, libc::ENOMEM] {
        let outcome = child::run(|| {
            child::deny(libc::SYS_memfd_secret, errno);
            let cause = Errno::from_raw_os_error(errno);
            let refused = Region::with_protection(4, Protection::SecretMemory).unwrap_err();
            assert_eq!(refused, RegionError::NoSecretMemory(cause));
            let region = Region::new(4).unwrap();
            assert_eq!(region.protection(), Protection::Locked);
            assert_eq!(region.fallback_cause(), Some(cause));
            assert_eq!(secret_in(&region).expose(), &MARK);
        });
        assert_eq!(outcome, Outcome::Done);
    }
}

#[test]
fn trouble_of_our_own_does_not_lower_the_protection() {
    let outcome = child::run(|| {
        child::deny(libc::SYS_memfd_secret, libc::EMFILE);
        let (call, source) = ("memfd_secret", Errno::MFILE);
        let error = Region::new(4).unwrap_err();
        assert_eq!(error, RegionError::System { call, source });
    });
    assert_eq!(outcome, Outcome::Done);
}

#[test]
fn memory_that_cannot_be_locked_is_refused() {
    let outcome = child::run(|| {
        child::forbid_locking();
        let locked = Region::with_protection(4, Protection::Locked);
        assert!(matches!(locked, Err(RegionError::Lock { bytes, .. }) if bytes >= 128));
        assert!(matches!(Region::new(4), Err(RegionError::Lock { .. })));
    });
    assert_eq!(outcome, Outcome::Done);
}

#[test]
fn where_the_kernel_offers_it_secret_memory_is_used() {
    let best = regions(1).first().unwrap().protection();
    assert_eq!(Region::new(1).unwrap().protection(), best);
}

#[test]
fn no_descriptor_is_left_to_be_inherited() {
    // In a child, where no other thread opens one meanwhile.
    let outcome = child::run(|| {
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        let region = Region::new(4).unwrap();
        assert_eq!(open(), before);
        drop(region);
    });
    assert_eq!(outcome, Outcome::Done);
}
