//! What is written is read as it was.

use proptest::collection::vec;
use proptest::prelude::*;
use tallystick::command::{Operation, Reply};
use tallystick::wire::{
    DEFAULT_FRAME, Fault, Hello, ImportedReport, KeyReport, Message, Opcode, Status, StatusReport, Welcome,
    begin_batch_reply, decode_batch_reply, decode_message, decode_reply, encode_batch_item, encode_command,
    encode_issue_batch, encode_reply, encode_verify_batch,
};

use crate::codec::{reply_again, request_again};
use crate::strategies::{command, issue, key, reply, secrets_in, secrets_of, verify};

/// An opcode whose reply has the form of `reply`.
fn opcode_of(reply: &Reply) -> Opcode {
    match reply {
        Reply::Token(_) => Opcode::Show,
        Reply::Page(_) => Opcode::List,
        Reply::Detokenized(_) => Opcode::Detokenize,
        Reply::Par(_) => Opcode::Par,
        Reply::Fingerprint(_) => Opcode::Fingerprint,
        Reply::Issued(_) => Opcode::Issue,
        Reply::Verified(_) => Opcode::Verify,
        Reply::IssuedShort(_) => Opcode::IssueShort,
        Reply::Resealed(_) => Opcode::Reseal,
        Reply::EmvIssued(_) => Opcode::EmvIssue,
        Reply::EmvVerified(_) => Opcode::EmvVerify,
        Reply::Arpc(_) => Opcode::EmvArpc,
        Reply::CardValue(_) => Opcode::MakeCardValue,
        Reply::CardValueVerified => Opcode::VerifyCardValue,
        Reply::CardHeld(_) => Opcode::HoldCard,
        Reply::CardReleased => Opcode::ReleaseCard,
        Reply::EntryOpened(_) => Opcode::OpenEntry,
        Reply::CardEntered(_) => Opcode::EnterCard,
        Reply::EntryClosed => Opcode::CloseEntry,
    }
}

proptest! {
    #[test]
    fn every_command(command in command(), key in key()) {
        let key = key.filter(|_| command.operation().is_changing());
        let opcode = Opcode::of(command.operation());
        let mut body = Vec::new();
        encode_command(&mut body, &command, key);
        let Message::Engine(request) = decode_message(opcode, &body).unwrap() else { panic!() };
        prop_assert_eq!(format!("{:?}", request.command), format!("{command:?}"));
        prop_assert_eq!(secrets_of(&request.command), secrets_of(&command));
        prop_assert_eq!(request.idempotency, key);
        prop_assert_eq!(request_again(opcode, &body).unwrap(), body.clone());
        prop_assert!(body.len() < 4096 - 16, "a single request fits the least frame");
    }

    #[test]
    fn every_reply(reply in reply()) {
        let mut body = Vec::new();
        encode_reply(&mut body, &reply);
        let back = decode_reply(opcode_of(&reply), &body).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{reply:?}"));
        prop_assert_eq!(secrets_in(&back), secrets_in(&reply));
        prop_assert_eq!(reply_again(opcode_of(&reply), Status::Ok, &body).unwrap(), body.clone());
    }

    #[test]
    fn batches(issues in vec((issue(), key()), 1..20), verifies in vec((verify(), key()), 1..20)) {
        let mut body = Vec::new();
        encode_issue_batch(&mut body, &issues).unwrap();
        prop_assert_eq!(request_again(Opcode::IssueBatch, &body).unwrap(), body.clone());
        // One kind is not the other, not even by accident: each item is refused alone.
        let Message::Batch(others) = decode_message(Opcode::VerifyBatch, &body).unwrap() else { panic!() };
        prop_assert_eq!(others.len(), issues.len());
        prop_assert!(others.iter().all(Result::is_err));
        body.clear();
        encode_verify_batch(&mut body, &verifies).unwrap();
        prop_assert_eq!(request_again(Opcode::VerifyBatch, &body).unwrap(), body.clone());
    }

    #[test]
    fn hello_and_welcome(versions in vec(any::<u64>(), 0..9), frame: u32, in_flight: u32, name in "[ -~]{1,64}") {
        let hello = Hello { versions, frame, in_flight, name };
        let mut body = Vec::new();
        hello.encode(&mut body);
        prop_assert_eq!(&Hello::decode(&body).unwrap(), &hello);
        let welcome = Welcome { version: 1, frame, in_flight, server: hello.name };
        body.clear();
        welcome.encode(&mut body);
        prop_assert_eq!(Welcome::decode(&body), Ok(welcome));
    }

    #[test]
    fn garbage_is_survived(opcode in prop::sample::select(Opcode::ALL.to_vec()), body in vec(any::<u8>(), 0..400)) {
        let _ = request_again(opcode, &body);
        let _ = reply_again(opcode, Status::Ok, &body);
    }
}

#[test]
fn status_reports_with_and_without_their_optional_fields() {
    let key = |purpose: &str| KeyReport {
        purpose: purpose.to_owned(),
        version: 255,
        state: "retiring".to_owned(),
        kcv: "00ff00".to_owned(),
    };
    let imported = |label: &str| ImportedReport { label: label.to_owned(), ..ImportedReport::default() };
    for (count, core_limit) in [None, Some(0), Some(u64::MAX)].into_iter().enumerate() {
        let report = StatusReport {
            health: "stopped".to_owned(),
            core_limit,
            dumpable: true,
            epoch: 1,
            durable_group: 2,
            tokens: 3,
            connections: 4,
            uptime_seconds: 5,
            keys: ["token-derivation", "par"].map(key).to_vec(),
            imported: ["imk", "cvk"].map(imported)[..count].to_vec(),
            ..StatusReport::default()
        };
        let mut body = Vec::new();
        report.encode(&mut body);
        assert_eq!(StatusReport::decode(&body), Ok(report));
    }
}

#[test]
fn the_largest_batch_and_its_reply_fit_and_one_more_does_not() {
    let body = [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut single = body.to_vec();
    single.extend([0; 14]);
    single.extend([16, 0, 0, 0, 0, 0]);
    let Message::Engine(request) = decode_message(Opcode::Issue, &single).unwrap() else { panic!() };
    let tallystick::command::Command::Issue(issue) = request.command else { panic!() };
    let mut out = Vec::new();
    encode_issue_batch(&mut out, &[(issue, None); 1024]).unwrap();
    assert!(out.len() + 16 <= usize::try_from(DEFAULT_FRAME).unwrap());
    for count in [0, 1025] {
        let refused = encode_issue_batch(&mut Vec::new(), &vec![(issue, None); count]);
        assert_eq!(refused, Err(Status::BatchSize.into()));
    }
    for count in [0u16, 1025] {
        let mut body = count.to_be_bytes().to_vec();
        for _ in 0..count {
            body.extend([0, 0]);
        }
        assert_eq!(decode_message(Opcode::IssueBatch, &body).unwrap_err(), Status::BatchSize.into());
    }
}

#[test]
fn a_batch_reply_tells_each_item_apart() {
    let mut body = Vec::new();
    begin_batch_reply(&mut body, 2);
    encode_batch_item(&mut body, |out| {
        encode_reply(out, &Reply::Verified(tallystick::command::Verified { atc: atc(7) }));
        Status::Ok
    });
    encode_batch_item(&mut body, |_| Status::Refused);
    let answers = decode_batch_reply(Opcode::VerifyBatch, &body).unwrap();
    assert!(matches!(answers[0], Ok(Reply::Verified(done)) if done.atc == atc(7)));
    assert!(matches!(answers[1], Err(Status::Refused)));
    assert_eq!(decode_batch_reply(Opcode::Verify, &body).unwrap_err(), Status::UnknownOpcode.into());
}

fn atc(value: u32) -> tallystick::types::Atc {
    tallystick::types::Atc::new(value).unwrap()
}

#[test]
fn every_operation_has_an_opcode_of_its_own_by_its_name() {
    for operation in Operation::ALL {
        assert_eq!(Opcode::of(operation).name(), operation.name());
    }
    for opcode in Opcode::ALL {
        assert_eq!(Opcode::from_number(opcode.number()), Some(*opcode));
    }
    assert_eq!(Opcode::from_number(0), None);
}

#[test]
fn what_has_no_body_takes_none() {
    for opcode in [Opcode::Ping, Opcode::Status, Opcode::Metrics] {
        assert!(decode_message(opcode, &[]).is_ok());
        assert_eq!(decode_message(opcode, &[0]).unwrap_err(), Status::BodyTrailing.into());
    }
    assert_eq!(decode_message(Opcode::Hello, &[]).unwrap_err(), Fault::from(Status::HelloRepeated));
}

#[test]
fn versions_and_limits_are_agreed() {
    let mut hello = Hello { versions: vec![2, 1], frame: 100_000, in_flight: 7, name: "n".to_owned() };
    let welcome = hello.agree(65_536, 1024, "s").unwrap();
    assert_eq!((welcome.version, welcome.frame, welcome.in_flight), (1, 65_536, 7));
    (hello.frame, hello.in_flight) = (0, 0);
    let welcome = hello.agree(65_536, 1024, "s").unwrap();
    assert_eq!((welcome.frame, welcome.in_flight), (4096, 1));
    assert_eq!(hello.agree(1, 0, "s").map(|welcome| (welcome.frame, welcome.in_flight)), Ok((4096, 1)));
    (hello.frame, hello.in_flight) = (u32::MAX, u32::MAX);
    assert_eq!(hello.agree(1, 0, "s").map(|welcome| (welcome.frame, welcome.in_flight)), Ok((4096, 1)));
    hello.versions = vec![2];
    assert_eq!(hello.agree(65_536, 1024, "s"), Err(Status::WrongVersion));
}
