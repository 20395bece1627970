//! The operations that are counted.

use std::hint::black_box;

use tallystick::command::{Command, Issue, Issued, Refusal, Reply, Request, TokenView, Verify};
use tallystick::crypto::SystemRandom;
use tallystick::cryptogram::native::{Covered, Deriver};
use tallystick::engine::{Answer, Context, Fetched, Mint, Outcome, Pending, Proof};
use tallystick::types::{Amount, Cryptogram, Currency, Expiry, TokenNumber, Transaction, UnixTime};
use tallystick::wire::{
    Arrival, FrameWriter, Intake, Opcode, decode_message, decode_reply, encode_command, encode_reply,
};

use crate::support::{Rig, trid};

/// Repeats an operation so many times, of at most so many.
type Operation = fn(times: u32, most: u32);

pub const OPERATIONS: &[(&str, Operation)] = &[
    ("derive_token_key", derive_token_key),
    ("derive_cryptogram", derive_cryptogram),
    ("issue_decided", issue_decided),
    ("issue", issue),
    ("verify_decided", verify_decided),
    ("verify", verify),
    ("encode_issue", |times, _| encode(times, Opcode::Issue, &issue_command())),
    ("decode_issue", |times, _| decode(times, Opcode::Issue, &issue_command())),
    ("encode_verify", |times, _| encode(times, Opcode::Verify, &verify_command())),
    ("decode_verify", |times, _| decode(times, Opcode::Verify, &verify_command())),
    ("encode_issued", encode_issued),
    ("decode_issued", decode_issued),
    ("take_in_frame", take_in_frames),
];

/// Moves of a group until it is taken, as the committer would.
const GROUP: u32 = 256;

fn paying() -> Transaction<'static> {
    let amount = (Amount::from_minor_units(49_900), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

fn derive_token_key(times: u32, _: u32) {
    let mut rig = Rig::new();
    let token = rig.provision();
    let deriver = Deriver::new(rig.keyring.token_derivation.active().1);
    for _ in 0..times {
        black_box(deriver.token_key(black_box(token.token)));
    }
}

fn derive_cryptogram(times: u32, _: u32) {
    let mut rig = Rig::new();
    let token = rig.provision();
    let key = Deriver::new(rig.keyring.token_derivation.active().1).token_key(token.token);
    let header = rig.issue(token.token, paying()).unwrap().header().unwrap();
    let covered = Covered { trid: trid(), expiry: token.expiry, transaction: paying() };
    for _ in 0..times {
        black_box(key.cryptogram(black_box(&header), &covered)).unwrap();
    }
}

/// Decides one command; its group stays open.
fn decide<'a>(rig: &mut Rig, command: Command<'a>, proof: Option<Proof>) -> Pending<Answer<'a>> {
    let request = Request { command, idempotency: None, body: b"" };
    let now = UnixTime::from_seconds(rig.now);
    let context = Context { now, random: &SystemRandom, caller: &rig.caller };
    match rig.engine.execute(context, &request, proof, &Fetched::Nothing) {
        Outcome::Answer(pending) => pending,
        Outcome::Fetch(need) => panic!("{need:?}"),
    }
}

fn take_group(rig: &mut Rig, done: u32) {
    if done.is_multiple_of(GROUP) {
        drop(rig.engine.take_group());
    }
}

fn issue_of(token: &TokenView) -> Command<'static> {
    Command::Issue(Issue { token: token.token, trid: trid(), transaction: paying() })
}

fn issue_decided(times: u32, _: u32) {
    let mut rig = Rig::new();
    let token = rig.provision();
    for done in 1..=times {
        drop(black_box(decide(&mut rig, issue_of(&token), None)));
        take_group(&mut rig, done);
    }
}

fn issue(times: u32, _: u32) {
    let mut rig = Rig::new();
    let token = rig.provision();
    let keyring = rig.keyring.clone();
    let mint = Mint::new(&keyring);
    for done in 1..=times {
        drop(black_box(decide(&mut rig, issue_of(&token), None).compute(&mint)));
        take_group(&mut rig, done);
    }
}

/// Requests to verify so many fresh cryptograms of one token.
fn fresh(rig: &mut Rig, mint: &Mint<'_>, most: u32) -> Vec<Verify<'static>> {
    let token = rig.provision();
    let decided: Vec<_> = (0..most).map(|_| decide(rig, issue_of(&token), None).compute(mint)).collect();
    rig.commit().unwrap();
    let verify = |pending: Pending<Result<Reply, Refusal>>| match pending.open(&rig.receipt).unwrap() {
        Ok(Reply::Issued(Issued { cryptogram, .. })) => Verify {
            token: token.token,
            expiry: token.expiry,
            trid: trid(),
            transaction: paying(),
            cryptogram,
        },
        other => panic!("{other:?}"),
    };
    decided.into_iter().map(verify).collect()
}

fn verify_decided(times: u32, most: u32) {
    let mut rig = Rig::new();
    let keyring = rig.keyring.clone();
    let mint = Mint::new(&keyring);
    let fresh = fresh(&mut rig, &mint, most);
    let proofs: Vec<_> = fresh.iter().map(|verify| mint.prove(verify)).collect();
    for ((verify, proof), done) in fresh.into_iter().zip(proofs).zip(1..=times) {
        let decided = black_box(decide(&mut rig, Command::Verify(verify), Some(proof)));
        accepted(&mut rig, decided.compute(&mint), done, times);
    }
}

fn verify(times: u32, most: u32) {
    let mut rig = Rig::new();
    let keyring = rig.keyring.clone();
    let mint = Mint::new(&keyring);
    for (verify, done) in fresh(&mut rig, &mint, most).into_iter().zip(1..=times) {
        let proof = mint.prove(&verify);
        let decided = black_box(decide(&mut rig, Command::Verify(verify), Some(proof)));
        accepted(&mut rig, decided.compute(&mint), done, times);
    }
}

/// Lets go of an answer. The last one is looked at, though no receipt opens it:
/// a refusal would be cheap, and the count would be of something else.
fn accepted(rig: &mut Rig, answer: Pending<Result<Reply, Refusal>>, done: u32, times: u32) {
    if done == times {
        assert!(format!("{answer:?}").contains("Ok(Verified"), "{answer:?}");
    }
    drop(answer);
    take_group(rig, done);
}

fn verify_command() -> Command<'static> {
    Command::Verify(Verify {
        token: TokenNumber::parse(b"4895370012345671").unwrap(),
        trid: trid(),
        expiry: Expiry::parse(b"4912").unwrap(),
        transaction: paying(),
        cryptogram: Cryptogram::from_slice(&[7; Cryptogram::LEN]).unwrap(),
    })
}

fn issue_command() -> Command<'static> {
    let token = TokenNumber::parse(b"4895370012345671").unwrap();
    Command::Issue(Issue { token, trid: trid(), transaction: paying() })
}

/// Writes a whole frame.
fn write(out: &mut Vec<u8>, opcode: Opcode, id: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let frame = FrameWriter::begin(out, opcode.number(), 0, id.into());
    body(out);
    frame.finish(out);
}

fn encode(times: u32, opcode: Opcode, command: &Command<'_>) {
    let mut out = Vec::with_capacity(4096);
    for id in 0..times {
        out.clear();
        write(&mut out, opcode, id, |out| encode_command(out, black_box(command), None));
        black_box(&out);
    }
}

fn decode(times: u32, opcode: Opcode, command: &Command<'_>) {
    let mut body = Vec::new();
    encode_command(&mut body, command, None);
    for _ in 0..times {
        drop(black_box(decode_message(opcode, black_box(&body))).unwrap());
    }
}

fn issued() -> Reply {
    let cryptogram = Cryptogram::from_slice(&[7; Cryptogram::LEN]).unwrap();
    Reply::Issued(Issued { cryptogram, expiry: Expiry::parse(b"4912").unwrap() })
}

fn encode_issued(times: u32, _: u32) {
    let (mut out, reply) = (Vec::with_capacity(4096), issued());
    for id in 0..times {
        out.clear();
        write(&mut out, Opcode::Issue, id, |out| encode_reply(out, black_box(&reply)));
        black_box(&out);
    }
}

fn decode_issued(times: u32, _: u32) {
    let mut body = Vec::new();
    encode_reply(&mut body, &issued());
    for _ in 0..times {
        drop(black_box(decode_reply(Opcode::Issue, black_box(&body))).unwrap());
    }
}

/// Frames come in by the group, as they do under load.
fn take_in_frames(times: u32, _: u32) {
    let (mut stream, command) = (Vec::new(), issue_command());
    for id in 0..GROUP {
        write(&mut stream, Opcode::Issue, id, |out| encode_command(out, &command, None));
    }
    let mut intake = Intake::new(65_536);
    for _ in 0..times / GROUP {
        intake.space()[..stream.len()].copy_from_slice(&stream);
        intake.filled(stream.len());
        let mut arrivals = Vec::new();
        let parsed = intake.arrivals(usize::MAX, &mut arrivals);
        assert!(arrivals.iter().all(|arrival| matches!(arrival, Arrival::Frame(_))));
        drop(black_box(arrivals));
        intake.consume(parsed);
    }
}
