//! Replays the seeds of the fuzzers, and makes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod clients;
mod database;
#[path = "../wire/doc.rs"]
#[allow(dead_code)]
mod doc;
#[path = "../support/emv.rs"]
mod emv;
mod fields;
mod key_blocks;
mod stored;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use support::{card, trid};
use tallystick::audit;
use tallystick::command::{
    ChangeStatus, Command, Detokenized, Issue, IssueShort, Issued, LinkPar, List, Renew, Reply, Reseal,
    Verified, Verify, VerifyShort,
};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::backup::{Item, Writer};
use tallystick::daemon::config::default_text;
use tallystick::fuzzing::TARGETS;
use tallystick::keys::Inventory;
use tallystick::secmem::Region;
use tallystick::store::{CounterMove, TokenSlot, journal};
use tallystick::types::{
    Atc, Cryptogram, Expiry, Fingerprint, IdempotencyKey, Pan, Par, ShortValue, StatusEvent, TokenNumber,
    Transaction, UnixTime,
};
use tallystick::wire::{
    FrameWriter, Hello, KeyReport, LENGTH, Opcode, StatusReport, encode_command, encode_issue_batch,
    encode_reply, encode_verify_batch,
};

/// Bytes of a frame between its length and its body.
const HEADER: usize = 12;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn survive(target: fn(&[u8]), seeds: fs::ReadDir) -> usize {
    seeds.map(|seed| target(&fs::read(seed.unwrap().path()).unwrap())).count()
}

#[test]
fn every_seed_is_survived() {
    // `fuzz/coverage` has what a campaign found replayed too.
    let campaign = std::env::var_os("TALLYSTICK_CAMPAIGN").map(PathBuf::from);
    for &(name, target) in TARGETS {
        let count = survive(target, fs::read_dir(corpus().join(name)).unwrap());
        assert!(count > 0, "{name} has no seeds");
        let found = campaign.as_ref().and_then(|dir| fs::read_dir(dir.join(name).join("corpus")).ok());
        found.map(|found| survive(target, found));
    }
}

/// A seed that is refused at its first byte makes nothing of the parsers behind.
#[cfg(feature = "postgres")]
#[test]
fn a_whole_server_is_heard_to_its_end() {
    use tallystick::fuzzing::heard_whole;
    let [(_, whole), ..] = database::servers();
    assert!(heard_whole(&whole));
    assert!(!heard_whole(&whole[..whole.len() - 3]));
}

/// Nor does one of an operation whose key, token or card is not there.
#[test]
fn what_clients_ask_of_cards_is_answered() {
    use tallystick::wire::Status;
    for name in ["emv_issue", "emv_arpc", "make_card_value", "verify_card_value", "hold_card", "release_card"]
        .into_iter()
        .chain(["open_entry", "held", "saved"])
    {
        let seed = fs::read(corpus().join("connection").join(name)).unwrap();
        let statuses = tallystick::fuzzing::answered(&seed);
        assert!(
            statuses.len() > 1 && statuses.iter().all(|status| *status == Status::Ok),
            "{name}: {statuses:?}"
        );
    }
    // Who has verified a cryptogram before has consumed it.
    for name in ["emv_verify", "aes"] {
        let seed = fs::read(corpus().join("connection").join(name)).unwrap();
        let statuses = tallystick::fuzzing::answered(&seed);
        let is_right = |status: &Status| matches!(status, Status::Ok | Status::Replayed);
        assert!(statuses.len() > 1 && statuses.iter().all(is_right), "{name}: {statuses:?}");
    }
}

fn pan() -> Pan {
    Pan::parse(support::PAN).unwrap()
}

fn token() -> TokenNumber {
    TokenNumber::parse(b"4895370012345671").unwrap()
}

/// One command of each operation.
fn commands() -> Vec<Command<'static>> {
    let (token, expiry, transaction) = (token(), Expiry::parse(b"4912").unwrap(), Transaction::UNKNOWN);
    let issue = Issue { token, trid: trid(), transaction };
    let cryptogram = Cryptogram::from_slice(&[0x10; 20]).unwrap();
    let value = ShortValue::parse(b"123").unwrap();
    vec![
        Command::Provision(Box::new(card(support::PAN, "4912"))),
        Command::Show(token),
        Command::List(List { trid: trid(), after: Some(3), limit: 10 }),
        Command::ChangeStatus(ChangeStatus { token, provider: None, event: StatusEvent::Suspend }),
        Command::Renew(Renew { token, expiry }),
        Command::LinkPar(LinkPar { pan: pan(), predecessor: token }),
        Command::Detokenize(token),
        Command::Par(pan()),
        Command::Fingerprint(pan()),
        Command::Issue(issue),
        Command::Verify(Verify { token, expiry, trid: trid(), transaction, cryptogram }),
        Command::IssueShort(IssueShort(issue)),
        Command::VerifyShort(VerifyShort { token, expiry, trid: trid(), transaction, value }),
        Command::ClearShortLock(token),
        Command::Reseal(Reseal { after: Some(99), limit: 100 }),
    ]
}

fn replies() -> Vec<Reply> {
    let (expiry, atc) = (Expiry::parse(b"4912").unwrap(), Atc::new(7).unwrap());
    let cryptogram = Cryptogram::from_slice(&[0x10; 20]).unwrap();
    let mut rig = support::Rig::new();
    vec![
        Reply::Token(Box::new(rig.provision())),
        rig.run(Command::List(List { trid: trid(), after: None, limit: 10 })).unwrap(),
        Reply::Issued(Issued { cryptogram, expiry }),
        Reply::Verified(Verified { atc }),
        Reply::Par(Par::parse("TLY1").unwrap()),
        Reply::Fingerprint(Fingerprint::from_bytes([1; 32])),
        Reply::Detokenized(Detokenized { pan: pan(), expiry }),
    ]
}

fn seed_time() -> UnixTime {
    UnixTime::from_seconds(support::NOW)
}

/// Writes the seeds anew; run it when a format changes.
#[test]
#[ignore = "writes into the source tree"]
fn make_seeds() {
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus().join(target)).unwrap();
        fs::write(corpus().join(target).join(name), bytes).unwrap();
    };
    let framed = |stream: &mut Vec<u8>, opcode: Opcode, id: u64, body: &[u8]| {
        let frame = FrameWriter::begin(stream, opcode.number(), 0, id);
        stream.extend_from_slice(body);
        frame.finish(stream);
    };
    let mut hello = Vec::new();
    Hello::ours("seed").encode(&mut hello);
    let mut stream = Vec::new();
    framed(&mut stream, Opcode::Hello, 1, &hello);
    put("message", "hello", &hello);
    let mut all = stream.clone();
    for (nth, command) in commands().iter().enumerate() {
        let opcode = Opcode::of(command.operation());
        let mut body = Vec::new();
        let key = command.operation().is_changing().then(|| IdempotencyKey::parse(b"key").unwrap());
        encode_command(&mut body, command, key);
        put("message", opcode.name(), &body);
        framed(&mut all, opcode, nth as u64 + 2, &body);
        let mut one = stream.clone();
        framed(&mut one, opcode, 2, &body);
        put("connection", opcode.name(), &one);
    }
    for opcode in [Opcode::IssueBatch, Opcode::VerifyBatch] {
        let mut body = Vec::new();
        match (&commands()[9], &commands()[10]) {
            (Command::Issue(issue), _) if opcode == Opcode::IssueBatch => {
                encode_issue_batch(&mut body, &[(*issue, None); 2]).unwrap();
            }
            (_, Command::Verify(verify)) => encode_verify_batch(&mut body, &[(*verify, None); 2]).unwrap(),
            other => panic!("{other:?}"),
        }
        put("message", opcode.name(), &body);
        framed(&mut all, opcode, 100 + u64::from(opcode.number()), &body);
    }
    framed(&mut all, Opcode::Status, 1000, &[]);
    framed(&mut all, Opcode::Metrics, 1001, &[]);
    put("connection", "all", &all);
    put("connection", "cut", &all[..all.len() - 3]);
    put("frame", "all", &[&[7], all.as_slice()].concat());
    put("frame", "short", &[3, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 12, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    put("frame", "large", &[&[50, 0, 1, 0, 0][..], &[1; 3000]].concat());
    for (nth, reply) in replies().iter().enumerate() {
        let mut body = Vec::new();
        encode_reply(&mut body, reply);
        put("reply", &format!("reply-{nth}"), &body);
    }
    // Of operations on cards, keys and custody too.
    for example in doc::examples() {
        let target = if example.is_request { "message" } else { "reply" };
        put(target, &format!("wire-{}", example.opcode), &example.bytes[LENGTH + HEADER..]);
    }
    let mut body = Vec::new();
    StatusReport { keys: vec![KeyReport::default()], ..StatusReport::default() }.encode(&mut body);
    put("reply", "status", &body);
    let moved = [CounterMove { slot: TokenSlot(1), atc: Atc::new(2).unwrap() }];
    let standing = journal::Standing { pages: [3; 32], ..journal::Standing::default() };
    put("journal", "one-of-each", &journal::encode(&moved, &moved, standing));
    put("journal", "empty", &journal::encode(&[], &[], journal::Standing::default()));
    let sealed = support::new_keys().seal(&SystemRandom).unwrap().to_bytes();
    put("key_block", "keyring", &sealed);
    let mut keys = support::new_keys();
    let shares = keys.enclose_by_custodians(&SystemRandom, 2, 3).unwrap();
    put("share", "share", shares[0].text().as_bytes());
    put("share", "commented", format!("# a comment\n\n{}\n", shares[1].text().to_lowercase()).as_bytes());
    put("share", "mistyped", shares[2].text().replacen('-', "-0", 1).as_bytes());
    put("key_block", "custodians", &keys.seal(&SystemRandom).unwrap().to_bytes());
    put("key_block", "block", &sealed[102..190]);
    let inventory = Inventory::of(&support::new_keys().load().unwrap()).to_bytes();
    put("key_block", "inventory", &inventory);
    put("key_block", "inventory-twice", &[&inventory[..17], &inventory].concat());
    let imported = key_blocks::keyring();
    put("key_block", "imported", &imported);
    // Behind the native blocks: count 2, length 2; the seal of 28 is at the end.
    put("key_block", "import", &imported[102 + 5 * 88 + 4..imported.len() - 28]);
    for (name, seed) in key_blocks::tr31() {
        put("tr31", name, &seed);
    }
    let dir = tempfile::tempdir().unwrap();
    let keyring = support::new_keys().load().unwrap();
    let (disk, log) = (Box::new(audit::RealDisk), dir.path().join("log"));
    let mut log_of = audit::open(disk, &log, 1 << 12, &keyring.audit, None, audit::Tip::START).unwrap().log;
    let stand = audit::Stand { epoch: 1, group: 0, mac: [1; 32] };
    for event in [
        audit::Event::Groups(audit::Groups { epoch: 1, first: 1, macs: vec![2; 64] }),
        audit::Event::Refused(audit::Operation {
            caller: "vault".to_owned(),
            operation: "verify".to_owned(),
            status: "replayed".to_owned(),
            subject: Some("xxxxxxxxxxxx5671".to_owned()),
        }),
        audit::Event::Stopped(stand),
    ] {
        assert!(log_of.push(&keyring.audit, seed_time(), &event));
    }
    log_of.flush().unwrap();
    let mut file = fs::read(log.join(audit::file_name(1))).unwrap();
    let end = file.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    file.truncate(end + 8);
    let region = Region::new(4).unwrap();
    let cost = PassphraseCost { memory_kib: 8, passes: 1, lanes: 1 };
    let passphrase = b"for fuzzing only".to_vec().into();
    let row = [&[3, 1, 0, 0, 0, 0, 0, 0, 0, 7, 2, 0, 0, 0, 2, 9, 9][..], &[1, 1], &[0; 8], &[0, 0]].concat();
    let mut backup = Writer::new(Vec::new(), &region, &SystemRandom, &passphrase, cost).unwrap();
    for item in [Item::Config(b"x".to_vec()), Item::Rows(row.clone()), Item::End(row.len() as u64)] {
        backup.add(&item).unwrap();
    }
    put("backup", "file", &backup.finish().unwrap());
    put("backup", "rows", &row);
    put("backup", "piece", &[&[1][..], &row].concat());
    put("audit", "file", &file);
    put("audit", "events", &stored::events(&file[64..]));
    for (name, seed) in stored::store() {
        put("store", name, &seed);
    }
    put("rows", "every-table", &stored::rows());
    for (name, seed) in database::servers() {
        put("server", name, &seed);
    }
    for (name, seed) in database::carried() {
        put("carried", name, &seed);
    }
    for (name, seed) in stored::anchors() {
        put("anchor", name, &seed);
    }
    for (name, seed) in stored::cards() {
        put("cards", name, &seed);
    }
    put("connection", "http", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    for (name, stream) in clients::connections() {
        put("connection", &name, &stream);
    }
    for (name, ber) in fields::emv() {
        put("emv", name, &ber);
    }
    for (name, plain) in fields::entry() {
        put("entry", name, plain.as_bytes());
    }
    #[cfg(feature = "vault")]
    for (name, body) in fields::bodies() {
        put("body", name, body.as_bytes());
    }
    for (name, record) in fields::resumed() {
        put("resume", name, record);
    }
    put("share", "content", &[&[1, 2, 3, 1][..], &[7; 36]].concat());
    put("journal", "marks", &[0, 0, 0, 1, 0, 9]);
    put("audit", "torn", &file[..file.len() - 40]);
    put("audit", "record", &file[64..]);
    put("audit", "head", &audit::Head(log_of.durable()).to_bytes(&keyring.audit));
    put("config", "default", default_text(1000).as_bytes());
    put("config", "broken", b"bin_controller = \"TLY1\"\n[[peer]]\nname = \"x\"\nroles = [\"god\"]\n");
}
