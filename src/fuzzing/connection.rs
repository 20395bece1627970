//! A whole connection over a stream in memory, served by a real engine.

use std::io::{Cursor, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::keys::keyring;
use crate::account::{BinController, TokenRange};
use crate::command::{Caller, Role, Roles};
use crate::crypto::SystemRandom;
use crate::daemon::anchor::Keeper;
use crate::daemon::audit::Recorder;
use crate::daemon::backup::Backups;
use crate::daemon::http::serve_metrics;
use crate::daemon::{Committer, Door, Hall, House, Lobby, Metrics, Rates, serve};
use crate::engine::{Engine, EngineConfig, EngineLimits};
use crate::store::{MemoryDisk, MemoryStore, Store};
use crate::types::{Network, UnixTime};
use crate::wire::{Frame, HEADER, LENGTH, Status};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

/// What a client sends from its first byte to its last. The daemon must answer
/// in whole frames with statuses that exist.
pub fn connection(data: &[u8]) {
    static LOBBY: OnceLock<Option<Lobby>> = OnceLock::new();
    let Some(lobby) = LOBBY.get_or_init(lobby) else { return };
    let caller = Caller::new("fuzzer", Roles::of(&Role::ALL), None);
    let mut stream = Stream { sent: Cursor::new(data), told: Vec::new() };
    // As the daemon tells the two apart on its admin socket.
    if data.starts_with(b"GET ") {
        let ended = serve_metrics(&mut stream, lobby, &caller);
        assert!(ended.is_ok() && stream.told.starts_with(b"HTTP/1.1 "), "a scraper got no answer");
        return;
    }
    let ended = serve(&mut stream, lobby, &caller, Door::Admin);
    assert!(ended.is_ok(), "a stream in memory failed");
    check_answers(&stream.told);
}

fn check_answers(mut told: &[u8]) {
    while !told.is_empty() {
        let length = told.first_chunk::<LENGTH>().map(|length| u32::from_be_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        let frame = told.get(LENGTH..length.saturating_add(LENGTH)).and_then(Frame::parse);
        assert!(frame.is_some(), "an answer is no whole frame");
        let status = frame.and_then(|frame| Status::from_code(frame.status));
        assert!(status.is_some(), "an answer has a status that does not exist");
        assert!(length >= HEADER, "an answer has no header");
        told = told.get(length.saturating_add(LENGTH)..).unwrap_or_default();
    }
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
        random: Box::new(SystemRandom),
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
