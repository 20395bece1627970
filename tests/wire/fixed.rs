//! What is wrong with a fixed layout.

use tallystick::wire::{Message, Opcode, Status, decode_message};

/// An ISSUE with everything present, merchant `m` and key `k`.
fn issue() -> Vec<u8> {
    let mut body = 4_895_370_012_003_478u64.to_be_bytes().to_vec();
    body.extend(40_010_030_273u64.to_be_bytes());
    body.extend(1u64.to_be_bytes());
    body.extend([9, 9, 9, 9]);
    body.extend(356u16.to_be_bytes());
    body.extend([16, 15, 0, 1, 1, 0]);
    body.extend(b"mk");
    body
}

/// A VERIFY of the same.
fn verify(proof: &[u8]) -> Vec<u8> {
    let mut body = issue()[..30].to_vec();
    body.extend(2912u16.to_be_bytes());
    body.extend([16, 15, 0, 1, 1, u8::try_from(proof.len()).unwrap()]);
    body.extend(proof);
    body.extend(b"mk");
    body
}

fn refused(opcode: Opcode, body: &[u8]) -> Option<Status> {
    let fault = decode_message(opcode, body).err()?;
    assert_eq!(fault.field, None, "no body where none is expected");
    Some(fault.status)
}

/// Bytes put in the place of others.
type Changes<'c> = &'c [(usize, &'c [u8])];

fn with(body: &[u8], changes: Changes<'_>) -> Vec<u8> {
    let mut changed = body.to_vec();
    for (at, bytes) in changes {
        changed[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    changed
}

/// Where the fields stand that both layouts have.
struct Places {
    digits: usize,
    present: usize,
    channel: usize,
    merchant: usize,
    key: usize,
    /// Bytes before the merchant.
    head: usize,
}

fn check_common(opcode: Opcode, good: &[u8], at: &Places) {
    use Status as S;
    let beyond = 10u64.pow(16).to_be_bytes();
    let cases: &[(Changes<'_>, Status)] = &[
        (&[(0, &beyond)], S::TokenMalformed),
        (&[(at.digits, &[11])], S::TokenMalformed),
        (&[(at.digits, &[20])], S::TokenMalformed),
        (&[(8, &100_000_000_000u64.to_be_bytes())], S::TridMalformed),
        (&[(at.present, &[16])], S::BindingMalformed),
        (&[(at.present, &[0xff])], S::BindingMalformed),
        (&[(at.channel, &[4])], S::ChannelMalformed),
        (&[(28, &[0, 0])], S::CurrencyMalformed),
        (&[(28, &1000u16.to_be_bytes())], S::CurrencyMalformed),
        (&[(at.head, &[7])], S::MerchantMalformed),
        // Absent, and yet there.
        (&[(at.present, &[14])], S::NotCanonical),
        (&[(at.present, &[13])], S::NotCanonical),
        (&[(at.present, &[11])], S::NotCanonical),
        (&[(at.present, &[14]), (16, &[0; 8])], S::NotCanonical),
        (&[(at.present, &[14]), (28, &[0; 2])], S::NotCanonical),
        (&[(at.merchant, &[2])], S::BodyTruncated),
        (&[(at.key, &[2])], S::BodyTruncated),
        (&[(at.key, &[0])], S::BodyTrailing),
        // Present, and yet not there: the key is taken for nothing else.
        (&[(at.merchant, &[0]), (at.key, &[2])], S::MerchantMalformed),
    ];
    assert_eq!(refused(opcode, good), None);
    for (number, (changes, status)) in cases.iter().enumerate() {
        assert_eq!(refused(opcode, &with(good, changes)), Some(*status), "{opcode:?} case {number}");
    }
    let mut long_key = with(good, &[(at.key, &[65])]);
    long_key.extend([b'k'; 64]);
    assert_eq!(refused(opcode, &long_key), Some(S::IdempotencyKeyMalformed));
    let fine = &long_key[..long_key.len() - 1];
    assert_eq!(refused(opcode, &with(fine, &[(at.key, &[64])])), None);
}

#[test]
fn each_field_of_issue_has_its_own_status() {
    let at = Places { digits: 30, present: 31, channel: 32, merchant: 33, key: 34, head: 36 };
    for opcode in [Opcode::Issue, Opcode::IssueShort] {
        check_common(opcode, &issue(), &at);
        for bit in 0..8 {
            let body = with(&issue(), &[(35, &[1 << bit])]);
            assert_eq!(refused(opcode, &body), Some(Status::ReservedBits));
        }
    }
}

#[test]
fn each_field_of_verify_has_its_own_status() {
    for (opcode, proof) in [(Opcode::Verify, &[0x13; 20][..]), (Opcode::VerifyShort, b"0123")] {
        let at =
            Places { digits: 32, present: 33, channel: 34, merchant: 35, key: 36, head: 38 + proof.len() };
        check_common(opcode, &verify(proof), &at);
        for month in [2900u16, 2913, 9999, 0] {
            let body = with(&verify(proof), &[(30, &month.to_be_bytes())]);
            assert_eq!(refused(opcode, &body), Some(Status::ExpiryMalformed));
        }
    }
}

#[test]
fn a_cryptogram_of_another_length_has_its_own_status() {
    for len in (0..=255).filter(|len| *len != 20) {
        assert_eq!(refused(Opcode::Verify, &verify(&vec![1; len])), Some(Status::CryptogramLength), "{len}");
    }
    for value in [&b""[..], b"12", b"12345", b"12a", b"12 "] {
        let status = refused(Opcode::VerifyShort, &verify(value));
        assert_eq!(status, Some(Status::ShortValueMalformed), "{value:?}");
    }
}

#[test]
fn a_batch_tells_which_item_is_wrong() {
    let mut body = 3u16.to_be_bytes().to_vec();
    for item in [issue(), with(&issue(), &[(32, &[4])]), issue()] {
        body.extend(u16::try_from(item.len()).unwrap().to_be_bytes());
        body.extend(item);
    }
    let Message::Batch(items) = decode_message(Opcode::IssueBatch, &body).unwrap() else { panic!() };
    let statuses: Vec<_> = items.iter().map(|item| item.as_ref().err().map(|fault| fault.status)).collect();
    assert_eq!(statuses, [None, Some(Status::ChannelMalformed), None]);
    body.push(0);
    assert_eq!(refused(Opcode::IssueBatch, &body), Some(Status::BodyTrailing));
}
