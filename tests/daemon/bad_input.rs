//! Bad input: each kind has its own status, the connection survives where the
//! boundary of the frame is known, and nothing else happens.

use minicbor::Encoder;
use tallystick::client::ClientError;
use tallystick::command::Command;
use tallystick::types::{Expiry, TokenNumber, Trid};
use tallystick::wire::{Hello, Opcode, Status, encode_command};

use crate::process::{Daemon, PAN, card, issue_of, provision, verify_of};
use crate::raw::{Raw, frame};

#[test]
fn every_bad_frame_has_its_status_and_the_connection_survives() {
    let daemon = Daemon::start();
    let mut raw = Raw::connect(&daemon.socket());
    assert_eq!(raw.ask(Opcode::Ping.number(), &[]), Status::HelloExpected);
    let mut hello = Vec::new();
    Hello { versions: vec![2, 7], ..Hello::ours("raw") }.encode(&mut hello);
    assert_eq!(raw.ask(Opcode::Hello.number(), &hello), Status::WrongVersion);
    hello.clear();
    Hello::ours("raw").encode(&mut hello);
    assert_eq!(raw.ask(Opcode::Hello.number(), &hello), Status::Ok);
    assert_eq!(raw.ask(Opcode::Hello.number(), &hello), Status::HelloRepeated);
    assert_eq!(raw.ask(0x7777, &[]), Status::UnknownOpcode);
    for bit in 0..16 {
        raw.send(Opcode::Ping.number(), 1 << bit, &[]);
        assert_eq!(raw.read().1, Status::ReservedBits);
    }
    assert_eq!(raw.ask(Opcode::Ping.number(), &[0]), Status::BodyTrailing);
    let id = raw.send(Opcode::Ping.number(), 0, &[]);
    assert_eq!(raw.read().1, Status::Ok);
    raw.send_as(Opcode::Ping.number(), 0, id, &[]);
    assert_eq!(raw.read().1, Status::DuplicateRequestId);
    raw.send_as(Opcode::Ping.number(), 0, id - 1, &[]);
    assert_eq!(raw.read().1, Status::RequestOutOfOrder);
    raw.write(&[0, 0, 0, 5, 1, 2, 3, 4, 5]);
    assert_eq!(raw.read().1, Status::FrameTooShort);
    assert!(raw.survives());
}

#[test]
fn an_oversized_frame_is_told_skipped_and_survived() {
    let daemon = Daemon::start();
    let mut raw = Raw::greeted(&daemon.socket());
    let id = raw.send(Opcode::Provision.number(), 0, &vec![0x41; 3_000_000]);
    assert_eq!((raw.read().1, id), (Status::FrameTooLarge, id));
    assert!(raw.survives());
}

#[test]
fn a_stream_that_ends_inside_a_frame_loses_that_frame_only() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let mut body = Vec::new();
    encode_command(&mut body, &Command::Issue(issue_of(&token)), None);
    let whole = frame(Opcode::Issue.number(), 0, 2, &body);
    for cut in [1, 4, 15, 16, whole.len() - 1] {
        let mut raw = Raw::greeted(&daemon.socket());
        raw.write(&whole[..cut]);
        assert!(raw.finish().is_empty(), "cut at {cut}");
    }
    let issued = client.issue(issue_of(&token), None).unwrap();
    assert_eq!(issued.cryptogram.header().unwrap().atc.get(), 1, "a cut request took a counter");
    for cut in 0..body.len() {
        let mut raw = Raw::greeted(&daemon.socket());
        assert_eq!(raw.ask(Opcode::Issue.number(), &body[..cut]), Status::BodyTruncated, "cut at {cut}");
        assert!(raw.survives());
    }
}

/// The CBOR of a provisioning request, with one field written differently.
fn provision_body(field: u64, text: Option<&str>) -> Vec<u8> {
    let fields = [(1, PAN), (2, "4912"), (3, "40010000001"), (5, "bank"), (6, "pay_1")];
    let kept = |key: u64| key != field || text.is_some();
    let extra = u64::from(![1, 2, 3, 4, 5, 6].contains(&field));
    let count = (1..=6).filter(|key| kept(*key)).count() as u64 + extra;
    let mut body = Vec::new();
    let mut encoder = Encoder::new(&mut body);
    encoder.map(count).unwrap();
    for (key, value) in fields {
        if kept(key) {
            encoder.u64(key).unwrap().str(if key == field { text.unwrap() } else { value }).unwrap();
        }
    }
    if kept(4) {
        encoder.u64(4).unwrap().bool(field != 4).unwrap();
    }
    if extra == 1 {
        encoder.u64(field).unwrap().str(text.unwrap()).unwrap();
    }
    body
}

#[test]
fn every_bad_card_has_its_status_and_no_digit_comes_back() {
    let daemon = Daemon::start();
    let mut raw = Raw::greeted(&daemon.socket());
    let too_long = "a".repeat(27);
    for (field, text, status) in [
        (1, Some("49291234567"), Status::PanLength),
        (1, Some("49291234567890161234"), Status::PanLength),
        (1, Some("492912345678901x"), Status::PanNotDigits),
        (1, Some("4929123456789016"), Status::PanLuhn),
        (1, None, Status::FieldMissing),
        (2, Some("4913"), Status::ExpiryMalformed),
        (2, Some("2001"), Status::ExpiryPast),
        (3, Some("4001000000"), Status::TridMalformed),
        (4, Some(""), Status::ConsentMissing),
        (4, None, Status::ConsentMissing),
        (5, None, Status::EvidenceMissing),
        (6, None, Status::EvidenceMissing),
        (6, Some(""), Status::EvidenceMalformed),
        (7, Some(&too_long), Status::AuthReferenceMalformed),
        (1, Some("6074820000000009"), Status::AuthReferenceRequired),
        (8, Some("a par"), Status::ParMalformed),
        (99, Some("x"), Status::FieldUnknown),
    ] {
        raw.send(Opcode::Provision.number(), 0, &provision_body(field, text));
        let (_, told, _, body) = raw.read();
        assert_eq!(told, status, "field {field} {text:?}");
        let sent = text.unwrap_or_default().as_bytes();
        let leaked = sent.windows(4).any(|part| body.windows(4).any(|window| window == part));
        assert!(!leaked, "an answer quotes what was sent");
    }
    assert_eq!(raw.ask(Opcode::Provision.number(), &provision_body(0x77, Some("x"))), Status::FieldUnknown);
    assert!(raw.survives());
    assert_eq!(daemon.admin().status().unwrap().tokens, 0, "a refused card was saved");
    assert!(!daemon.log().contains(&PAN[..8]));
}

#[test]
fn cryptograms_of_nineteen_and_twenty_one_bytes_and_strangers() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let good = client.issue(issue_of(&token), None).unwrap().cryptogram;
    let mut body = Vec::new();
    encode_command(&mut body, &Command::Verify(verify_of(&token, good)), None);
    let mut raw = Raw::greeted(&daemon.socket());
    const LENGTH: usize = 37;
    let mut short = body.clone();
    short[LENGTH] = 19;
    short.remove(LENGTH + 1);
    assert_eq!(raw.ask(Opcode::Verify.number(), &short), Status::CryptogramLength);
    let mut long = body.clone();
    long[LENGTH] = 21;
    long.insert(LENGTH + 1, 0);
    assert_eq!(raw.ask(Opcode::Verify.number(), &long), Status::CryptogramLength);
    let mut status = |edit: &dyn Fn(&mut tallystick::command::Verify<'_>)| {
        let mut verify = verify_of(&token, good);
        edit(&mut verify);
        client.verify(verify, None).err().and_then(|error| error.status())
    };
    let other = Trid::parse(b"40010000002").unwrap();
    assert_eq!(status(&|verify| verify.trid = other), Some(Status::WrongTrid));
    let stranger = TokenNumber::parse(b"4895370000000000").unwrap();
    assert_eq!(status(&|verify| verify.token = stranger), Some(Status::UnknownToken));
    let expiry = Expiry::parse(b"4811").unwrap();
    assert_eq!(status(&|verify| verify.expiry = expiry), Some(Status::WrongExpiry));
    assert_eq!(raw.ask(Opcode::Verify.number(), &body), Status::Ok, "and after all that it is accepted");
}

#[test]
fn a_wrong_role_and_a_wrong_socket() {
    let all = "roles = [\"provisioner\", \"issuer\", \"verifier\", \"detokenizer\", \"auditor\", \"admin\"]";
    let daemon = Daemon::start_with(|config| {
        config.replace(all, "roles = [\"provisioner\", \"issuer\", \"verifier\"]")
    });
    let mut client = daemon.client();
    let token = provision(&mut client);
    let refused = |error: ClientError| error.status();
    let detokenized = client.call(&Command::Detokenize(token.token), None).map(|_| ());
    assert_eq!(detokenized.map_err(refused), Err(Some(Status::RoleMissing)));
    assert_eq!(client.status().map(|_| ()).map_err(refused), Err(Some(Status::AdminSocketOnly)));
    assert_eq!(daemon.admin().status().map(|_| ()).map_err(refused), Err(Some(Status::RoleMissing)));
    let lock = client.call(&Command::ClearShortLock(token.token), None).map(|_| ());
    assert_eq!(lock.map_err(refused), Err(Some(Status::AdminSocketOnly)));
    // Without the role of an auditor every refused cryptogram looks the same.
    let good = client.issue(issue_of(&token), None).unwrap().cryptogram;
    client.verify(verify_of(&token, good), None).unwrap();
    let mut forged = *good.as_bytes();
    forged[19] ^= 1;
    let forged = tallystick::types::Cryptogram::from_slice(&forged).unwrap();
    let mut stranger = verify_of(&token, good);
    stranger.token = TokenNumber::parse(b"4895370000000000").unwrap();
    for verify in [verify_of(&token, good), verify_of(&token, forged), stranger] {
        assert_eq!(client.verify(verify, None).map(|_| ()).map_err(refused), Err(Some(Status::Refused)));
    }
}

#[test]
fn a_caller_limited_to_some_trids() {
    let daemon = Daemon::start_with(|config| {
        config.replace("\"admin\"]\n", "\"admin\"]\ntrids = [\"40010000002\"]\n")
    });
    let mut client = daemon.client();
    let refused = client.token(&Command::Provision(Box::new(card())), None);
    assert_eq!(refused.err().and_then(|error| error.status()), Some(Status::TridNotAllowed));
}

#[test]
fn a_peer_that_the_configuration_does_not_know() {
    let daemon = Daemon::start_with(|config| {
        let uid = rustix::process::getuid().as_raw();
        config.replace(&format!("uid = {uid}\n"), &format!("uid = {}\n", uid + 1))
    });
    let refused = tallystick::client::Client::connect(&daemon.socket(), "test").map(|_| ());
    assert_eq!(refused.err().and_then(|error| error.status()), Some(Status::PeerUnknown));
}
