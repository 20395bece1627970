//! What a call returns is told apart, has a name, and says whether the client is of more use.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::ErrorKind;

use tally::{
    OWN, TALLY_ARGUMENT, TALLY_INTERNAL, TALLY_TOO_LARGE, guarded, is_final, name, of_error, of_status, says,
};
use tallystick::client::ClientError;
use tallystick::wire::Status;

#[test]
fn every_code_has_its_name_and_no_two_are_one() {
    let mut seen = std::collections::BTreeSet::new();
    for status in Status::ALL {
        assert_eq!(name(of_status(*status)).to_str(), Ok(status.name()));
        assert_eq!(says(of_status(*status)).to_str(), Ok(status.says()));
        assert!(seen.insert(of_status(*status)));
    }
    for (code, text, _) in OWN {
        assert_eq!(name(code).to_str(), Ok(text));
        assert!(seen.insert(code));
    }
    assert!([-1, 0x7777, i32::MAX].iter().all(|code| name(*code) == c"unknown"));
}

#[test]
fn a_fault_that_leaves_the_answer_open_ends_the_client() {
    let timed_out = ClientError::Io(ErrorKind::WouldBlock.into());
    assert!(is_final(of_error(&timed_out)) && is_final(of_error(&ClientError::Closed)));
    assert!(!is_final(of_status(Status::Replayed)) && !is_final(TALLY_ARGUMENT));
    let large = ClientError::Request(Status::FrameTooLarge.into());
    assert!(of_error(&large) == TALLY_TOO_LARGE && !is_final(TALLY_TOO_LARGE));
}

#[test]
fn a_panic_becomes_a_code() {
    assert_eq!(guarded(|| panic!("a fault of ours")), TALLY_INTERNAL);
    assert_eq!((guarded(|| Ok(())), guarded(|| Err(7))), (0, 7));
}
