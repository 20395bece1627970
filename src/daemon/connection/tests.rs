//! Connections without a socket: what they hold in memory, and in which order what
//! leaves them.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use super::batch::settle;
use super::tally::Tally;
use super::*;
use crate::account::{BinController, TokenRange};
use crate::command::{CardSource, Command, List, Provision, Role, Roles};
use crate::crypto::{PassphraseCost, SystemRandom};
use crate::daemon::anchor::Keeper;
use crate::daemon::audit::Unrecorded;
use crate::daemon::{Committer, Hall, backup};
use crate::engine::{Engine, EngineConfig, EngineLimits};
use crate::keys::OpenKeyring;
use crate::secmem::Region;
use crate::store::{MemoryDisk, MemoryStore, SqliteStore, Store};
use crate::types::{Domain, Evidence, Expiry, Network, Pan, ProviderName, Reference, Trid};
use crate::wire::{Frame, LENGTH, encode_command};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
const FRAME: u32 = 65_536;
/// Bytes of a page of tokens are more than this.
const PAGE: usize = 40_000;

/// A lobby whose backups are of a store in a directory of their own.
fn lobby(dir: &TempDir) -> Lobby {
    let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
    let passphrase = b"correct horse".to_vec().into();
    let keys = OpenKeyring::create(&Region::new(64).unwrap(), &SystemRandom, &passphrase, cost).unwrap();
    let keyring = Arc::new(keys.load().unwrap());
    let config = EngineConfig {
        bin_controller: BinController::parse("TLY1").unwrap(),
        token_ranges: vec![(Network::Visa, TokenRange::parse("489537").unwrap())],
        max_age_slots: 144,
        limits: EngineLimits::default(),
    };
    let mut store = MemoryStore::open(&MemoryDisk::new());
    let (engine, chain) = Engine::new(config).unseal(Arc::clone(&keyring), &mut store, &[], NOW).unwrap();
    let hall = Arc::new(Hall::new(engine, store.receipt()));
    let epoch = store.epoch().0;
    let committer = Committer::new(Arc::clone(&hall), Box::new(store), chain, Keeper::none(), || NOW);
    std::thread::spawn(move || committer.run());
    let path = dir.path().join("tally.db");
    drop(SqliteStore::open(&path).unwrap());
    Lobby {
        house: House::of(hall, keyring, epoch),
        metrics: Metrics::new(),
        rates: Rates::default(),
        audit: Recorder::none(),
        backups: backup::start(path).unwrap(),
        frame: FRAME,
        in_flight: 1024,
        clock: || NOW,
        random: Box::new(SystemRandom),
        started: Instant::now(),
    }
}

/// What was written, each time.
#[derive(Default)]
struct Sent(Vec<Vec<u8>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A connection, and what arrives on it.
struct Peer<'c> {
    connection: Connection<'c>,
    intake: Intake,
    next: u64,
}

impl<'c> Peer<'c> {
    /// A connection after HELLO.
    fn greeted(lobby: &'c Lobby, caller: &'c Caller, backup: &'c RefCell<Option<Pieces>>) -> Self {
        let connection = Connection {
            backup,
            lobby,
            caller,
            door: Door::Admin,
            bucket: None,
            session: Session::default(),
            in_flight: lobby.in_flight,
            frame: lobby.frame,
            out: Zeroizing::new(Vec::with_capacity(ROOM)),
        };
        let mut peer = Self { connection, intake: Intake::new(FRAME), next: 0 };
        let mut hello = Vec::new();
        Hello::ours("test").encode(&mut hello);
        assert_eq!(told(&peer.ask(&[(Opcode::Hello, hello)])), [(1, Status::Ok, 0)]);
        peer
    }

    /// Puts all of it in with one read, and takes the turn that follows.
    fn ask(&mut self, requests: &[(Opcode, Vec<u8>)]) -> Sent {
        let mut bytes = Vec::new();
        for (opcode, body) in requests {
            self.next += 1;
            let frame = FrameWriter::begin(&mut bytes, opcode.number(), 0, self.next);
            bytes.extend_from_slice(body);
            frame.finish(&mut bytes);
        }
        self.intake.space()[..bytes.len()].copy_from_slice(&bytes);
        self.intake.filled(bytes.len());
        let mut sent = Sent::default();
        self.connection.take_turn(&mut self.intake, &mut sent).unwrap();
        assert!(!self.intake.is_midway());
        sent
    }

    /// Begins a backup and asks for pieces with the same read. It is busy until the one
    /// before is seen to have ended.
    fn begun(&mut self, pieces: usize) -> Sent {
        let mut requests = vec![(Opcode::BackupBegin, Vec::new())];
        requests.extend(std::iter::repeat_n((Opcode::BackupNext, Vec::new()), pieces));
        loop {
            let sent = self.ask(&requests);
            if told(&sent)[0].1 == Status::Ok {
                return sent;
            }
        }
    }
}

/// The answers in their order: id, status, and how many pages' worth of bytes.
fn told(sent: &Sent) -> Vec<(u64, Status, usize)> {
    let all = sent.0.concat();
    let (mut rest, mut answers) = (&all[..], Vec::new());
    while let Some((length, more)) = rest.split_first_chunk::<LENGTH>() {
        let (frame, after) = more.split_at(u32::from_be_bytes(*length).try_into().unwrap());
        let Frame { status, id, body, .. } = Frame::parse(frame).unwrap();
        answers.push((id, Status::from_code(status).unwrap(), body.len() / PAGE));
        rest = after;
    }
    answers
}

fn of(command: &Command<'_>) -> (Opcode, Vec<u8>) {
    let mut body = Vec::new();
    encode_command(&mut body, command, None);
    (Opcode::of(command.operation()), body)
}

fn trid() -> Trid {
    Trid::parse(b"40010000001").unwrap()
}

/// A card whose token takes much to show.
fn card() -> Command<'static> {
    let provider = |nth| ProviderName::parse(&format!("a-provider-of-tokens-number-{nth}")).unwrap();
    let (pan, expiry) = (Pan::parse(b"4111111111111111").unwrap(), Expiry::parse(b"2912").unwrap());
    Command::Provision(Box::new(Provision {
        card: CardSource::Clear { pan, expiry },
        trid: trid(),
        evidence: Evidence {
            provider: Reference::parse("p").unwrap(),
            reference: Reference::parse("r").unwrap(),
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: Some((0..8).map(provider).collect()),
    }))
}

fn everyone() -> Caller {
    Caller::new("one", Roles::of(&Role::ALL), None)
}

#[test]
fn many_pages_asked_for_at_once_come_in_order_and_are_never_in_memory_together() {
    let dir = TempDir::new().unwrap();
    let (lobby, caller, backup) = (lobby(&dir), everyone(), RefCell::new(None));
    let mut peer = Peer::greeted(&lobby, &caller, &backup);
    let cards: Vec<_> = (0..100).map(|_| of(&card())).collect();
    assert!(told(&peer.ask(&cards)).iter().all(|(_, status, _)| *status == Status::Ok));
    let before = peer.next;
    let lists: Vec<_> =
        (0..300).map(|_| of(&Command::List(List { trid: trid(), after: None, limit: 100 }))).collect();
    let sent = peer.ask(&lists);
    let expected: Vec<_> = (1..=300).map(|nth| (before + nth, Status::Ok, 1)).collect();
    assert_eq!(told(&sent), expected);
    let largest = sent.0.iter().map(Vec::len).max().unwrap();
    assert!(largest <= MOST_ROOM, "{largest} bytes were in memory together");
    assert!(peer.connection.out.capacity() <= MOST_ROOM);
}

#[test]
fn small_answers_leave_together_and_the_room_that_many_took_is_given_back() {
    let dir = TempDir::new().unwrap();
    let (lobby, caller, backup) = (lobby(&dir), everyone(), RefCell::new(None));
    let mut peer = Peer::greeted(&lobby, &caller, &backup);
    let cards: Vec<_> = (0..800).map(|_| of(&card())).collect();
    let sent = peer.ask(&cards);
    assert_eq!((told(&sent).len(), sent.0.len()), (800, 1));
    assert!(sent.0[0].len() > MOST_ROOM, "{} bytes", sent.0[0].len());
    assert_eq!(peer.connection.out.capacity(), ROOM);
    // What most turns take is not given back each time.
    let held = peer.connection.out.as_ptr();
    let sent = peer.ask(&vec![(Opcode::Ping, Vec::new()); 1024]);
    assert_eq!((told(&sent).len(), sent.0.len()), (1024, 1));
    assert_eq!(peer.connection.out.as_ptr(), held);
}

#[test]
fn no_piece_of_a_backup_leaves_before_its_beginning_has() {
    let dir = TempDir::new().unwrap();
    let (lobby, caller, backup) = (lobby(&dir), everyone(), RefCell::new(None));
    let mut peer = Peer::greeted(&lobby, &caller, &backup);
    let sent = peer.begun(2);
    let statuses: Vec<_> = told(&sent).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(statuses, [Status::Ok; 3]);
    assert_eq!(told(&Sent(sent.0[..1].to_vec())).len(), 1);
}

#[test]
fn a_backup_that_is_not_recorded_has_no_pieces() {
    let dir = TempDir::new().unwrap();
    let (lobby, caller, backup) = (lobby(&dir), everyone(), RefCell::new(None));
    let mut peer = Peer::greeted(&lobby, &caller, &backup);
    for (noted, expected) in [(Ok(()), Status::Ok), (Err(Unrecorded), Status::NoBackup)] {
        let (mut out, mut tally) = (peer.begun(0).0.concat(), Tally::default());
        let whole = out.clone();
        settle(noted, vec![(0, Opcode::BackupBegin)], &mut out, &backup, &mut tally);
        assert_eq!(out == whole, noted.is_ok());
        assert_eq!(told(&peer.ask(&[(Opcode::BackupNext, Vec::new())]))[0].1, expected);
    }
}
