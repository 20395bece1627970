//! A whole connection over a stream in memory, served by a real engine.

use std::io::{Cursor, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::keys::keyring;
use super::store::{PAN, card};
use crate::account::{BinController, TokenRange};
use crate::command::{Caller, Reply, Role, Roles};
use crate::crypto::{Random, RandomError};
use crate::daemon::anchor::Keeper;
use crate::daemon::audit::Recorder;
use crate::daemon::backup::Backups;
use crate::daemon::http::serve_metrics;
use crate::daemon::{Committer, Door, Hall, House, Lobby, Metrics, Rates, serve};
use crate::engine::{Engine, EngineConfig, EngineLimits};
use crate::store::{MemoryDisk, MemoryStore, Store};
use crate::types::{CardHandle, Expiry, Network, Pan, TokenNumber, UnixTime};
use crate::wire::{Frame, FrameWriter, HEADER, Hello, LENGTH, Opcode, Status, decode_reply, encode_command};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
/// Who all clients are.
const NAME: &str = "fuzzer";
/// Under which the card that is saved is held too, before a client comes.
pub const HANDLE: [u8; CardHandle::LEN] = *b"for fuzzing only";

/// What a client sends from its first byte to its last. The daemon must answer
/// in whole frames with statuses that exist.
pub fn connection(data: &[u8]) {
    let Some((lobby, _)) = house() else { return };
    // As the daemon tells the two apart on its admin socket.
    if data.starts_with(b"GET ") {
        let mut stream = Stream { sent: Cursor::new(data), told: Vec::new() };
        let ended = serve_metrics(&mut stream, lobby, &caller());
        assert!(ended.is_ok() && stream.told.starts_with(b"HTTP/1.1 "), "a scraper got no answer");
        return;
    }
    let _ = answered(data);
}

/// How each request of a conversation was answered.
#[must_use]
pub fn answered(data: &[u8]) -> Vec<Status> {
    // One client at a time: another would release the card that this one holds.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((lobby, _)) = house() else { return Vec::new() };
    hold(lobby);
    check_answers(&answers(lobby, data))
}

/// Holds a card under [`HANDLE`], whatever the client before did with it.
fn hold(lobby: &Lobby) {
    let (Some(opened), Ok(pan), Ok(expiry)) = (lobby.house.enter(), Pan::parse(PAN), Expiry::parse(b"4912"))
    else {
        return;
    };
    let (handle, now) = (CardHandle::from_bytes(HANDLE), Instant::now());
    // One that is not held, or no room because clients hold so many cards: both may be.
    let _ = opened.entry.release(NAME, handle, now);
    let _ = opened.entry.hold(NAME, handle, (&pan, expiry), now + Duration::from_secs(900));
}

/// Saves a card as a client does, and tells its token.
fn save(lobby: &Lobby) -> Option<TokenNumber> {
    let (mut hello, mut body, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    Hello::ours(NAME).encode(&mut hello);
    encode_command(&mut body, &card()?, None);
    for (id, opcode, body) in [(1, Opcode::Hello, &hello), (2, Opcode::Provision, &body)] {
        let frame = FrameWriter::begin(&mut sent, opcode.number(), 0, id);
        sent.extend_from_slice(body);
        frame.finish(&mut sent);
    }
    let told = answers(lobby, &sent);
    let first = usize::try_from(u32::from_be_bytes(*told.first_chunk()?)).ok()?;
    match decode_reply(Opcode::Provision, told.get(LENGTH + first + LENGTH + HEADER..)?).ok()? {
        Reply::Token(view) => Some(view.token),
        _ => None,
    }
}

/// The token of a card that was saved before the first client came: the same in every
/// process, so that seeds name it.
#[must_use]
pub fn token() -> Option<TokenNumber> {
    house().map(|(_, token)| *token)
}

fn house() -> Option<&'static (Lobby, TokenNumber)> {
    static HOUSE: OnceLock<Option<(Lobby, TokenNumber)>> = OnceLock::new();
    let make = || {
        let lobby = lobby()?;
        let token = save(&lobby)?;
        Some((lobby, token))
    };
    HOUSE.get_or_init(make).as_ref()
}

/// Numbers that are the same in every process.
#[derive(Default)]
struct Draws(AtomicU64);

impl Random for Draws {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        for piece in buffer.chunks_mut(8) {
            // Steele and others, "Fast splittable pseudorandom number generators", 2014.
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            piece.iter_mut().zip((z ^ (z >> 31)).to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
        }
        Ok(())
    }
}

fn caller() -> Caller {
    Caller::new(NAME, Roles::of(&Role::ALL), None)
}

/// All that a client is told.
fn answers(lobby: &Lobby, sent: &[u8]) -> Vec<u8> {
    let mut stream = Stream { sent: Cursor::new(sent), told: Vec::new() };
    let ended = serve(&mut stream, lobby, &caller(), Door::Admin);
    assert!(ended.is_ok(), "a stream in memory failed");
    stream.told
}

/// The statuses of what a client is told.
fn check_answers(mut told: &[u8]) -> Vec<Status> {
    let mut statuses = Vec::new();
    while !told.is_empty() {
        let length = told.first_chunk::<LENGTH>().map(|length| u32::from_be_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        let frame = told.get(LENGTH..length.saturating_add(LENGTH)).and_then(Frame::parse);
        assert!(frame.is_some(), "an answer is no whole frame");
        let status = frame.and_then(|frame| Status::from_code(frame.status));
        assert!(status.is_some(), "an answer has a status that does not exist");
        assert!(length >= HEADER, "an answer has no header");
        statuses.extend(status);
        told = told.get(length.saturating_add(LENGTH)..).unwrap_or_default();
    }
    statuses
}

/// An engine on a disk in memory, its committer running, for the whole run.
fn lobby() -> Option<Lobby> {
    let keyring = Arc::clone(keyring()?);
    let config = EngineConfig {
        bin_controller: BinController::parse("TLY1").ok()?,
        token_ranges: vec![(Network::Visa, TokenRange::parse("489537").ok()?)],
        max_age_slots: 144,
        limits: EngineLimits {
            tokens: 10_000,
            idempotency_keys: 10_000,
            journal_bytes: 65_536,
            ..EngineLimits::default()
        },
    };
    let mut store = MemoryStore::open(&MemoryDisk::new());
    let (engine, chain) = Engine::new(config).unseal(Arc::clone(&keyring), &mut store, &[], NOW).ok()?;
    let hall = Arc::new(Hall::new(engine, store.receipt()));
    let epoch = store.epoch().0;
    let committer = Committer::new(Arc::clone(&hall), Box::new(store), chain, Keeper::none(), || NOW);
    std::thread::spawn(move || committer.run());
    Some(Lobby {
        house: House::of(hall, keyring, epoch),
        metrics: Metrics::new(),
        rates: Rates::default(),
        audit: Recorder::none(),
        backups: Backups::default(),
        frame: 4096,
        in_flight: 64,
        clock: || NOW,
        random: Box::new(Draws::default()),
        started: Instant::now(),
    })
}

/// What is sent and what is told.
struct Stream<'a> {
    sent: Cursor<&'a [u8]>,
    told: Vec<u8>,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.sent.read(buffer)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.told.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
