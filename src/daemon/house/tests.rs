//! The house on a real keyring and store: who gets in, and what is left of the
//! keys.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::audit::Event;
use crate::command::{Caller, CardSource, Command, Provision, Request, Role, Roles};
use crate::crypto::{LoadedKey, PassphraseCost, Root, SystemRandom};
use crate::daemon::Metrics;
use crate::daemon::audit::{Kept, Notes, Recorder, Unrecorded};
use crate::daemon::config::{Config, default_text};
use crate::engine::{Context, Fetched, Outcome};
use crate::keys::{OpenKeyring, Share, ShareError};
use crate::secmem::Region;
use crate::types::{Domain, Evidence, Expiry, Pan, Reference, Trid, UnixTime};
use crate::wire::{Opener, Status};
use tempfile::TempDir;

const SLOTS: usize = 64;

struct Bench {
    dir: TempDir,
    region: Region,
    recorder: Recorder,
    house: House,
    shares: Vec<Share>,
    metrics: Metrics,
}

/// A sealed house whose keyring opens with any two of three shares.
fn bench() -> Bench {
    bench_with("")
}

/// The same, with more in its configuration.
fn bench_with(more: &str) -> Bench {
    let dir = TempDir::new().unwrap();
    // Shares are kept elsewhere, as custodians do.
    let elsewhere = Region::new(64).unwrap();
    let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
    let mut keys =
        OpenKeyring::create(&elsewhere, &SystemRandom, &b"passphrase".to_vec().into(), cost).unwrap();
    let shares = keys.enclose_by_custodians(&SystemRandom, 2, 3).unwrap();
    std::fs::write(dir.path().join("keyring"), keys.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
    let region = Region::new(SLOTS).unwrap();
    let config = Config::parse(&(default_text(0) + more)).unwrap();
    let recorder = Recorder::new();
    let failed = Arc::new(|| {});
    let site = Site::new(dir.path().to_owned(), &config, region.clone(), recorder.clone(), failed);
    Bench { dir, region, recorder, house: House::sealed(site), shares, metrics: Metrics::new() }
}

impl Bench {
    fn give(&self, share: usize, now: Instant) -> Result<(), Status> {
        let text = self.shares[share].text();
        let given = self.house.give(&Opener::Share(&text), &self.metrics, now);
        given.map_err(|error| error.status())
    }

    /// Whether no slot of the region holds a key: all are to be had.
    fn is_wiped(&self) -> bool {
        let key = || LoadedKey::<Root>::generate(&self.region, &SystemRandom);
        (0..SLOTS).map(|_| key()).collect::<Result<Vec<_>, _>>().is_ok()
    }
}

#[test]
fn shares_one_by_one_open_it_and_sealing_leaves_no_key() {
    let bench = bench();
    let now = Instant::now();
    for _ in 0..2 {
        assert!(bench.house.enter().is_none() && bench.is_wiped());
        assert_eq!(bench.give(2, now), Ok(()));
        let report = bench.house.custody(now);
        assert!(report.sealed && !bench.is_wiped(), "a share is in memory");
        assert_eq!((report.needed, report.made, report.given), (2, 3, vec![3]));
        assert_eq!(report.forgotten_in, Some(600));
        assert_eq!(bench.give(2, now), Err(Status::ShareGiven));
        assert_eq!(bench.give(0, now), Ok(()));
        let report = bench.house.custody(now);
        assert!(!report.sealed && report.given.is_empty());
        assert!(bench.house.enter().is_some() && !bench.is_wiped());
        assert_eq!(bench.give(1, now), Err(Status::Unsealed));
        bench.house.seal().unwrap();
    }
    assert!(bench.house.enter().is_none() && bench.is_wiped());
    bench.house.seal().unwrap();
}

#[test]
fn whoever_is_inside_is_waited_for_and_nobody_else_gets_in() {
    let bench = bench();
    let now = Instant::now();
    bench.give(0, now).unwrap();
    bench.give(1, now).unwrap();
    let inside = bench.house.enter().unwrap();
    std::thread::scope(|scope| {
        let sealing = scope.spawn(|| bench.house.seal());
        while bench.house.enter().is_some() {
            std::thread::yield_now();
        }
        // Still inside, it works at the engine as before, or is told that it stopped.
        let _ = inside.hall.decide(|engine| engine.token_count());
        drop(inside);
        sealing.join().unwrap().unwrap();
    });
    assert!(bench.is_wiped());
}

/// An anchor's service that, once told so, takes questions and does not answer them.
fn serve_anchor(socket: &Path, is_silent: &Arc<AtomicBool>) {
    answer_all(UnixListener::bind(socket).unwrap(), Arc::clone(is_silent));
}

fn answer_all(listener: UnixListener, is_silent: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let (mut kept, mut unanswered) = ("none".to_owned(), Vec::new());
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if is_silent.load(Ordering::SeqCst) {
                unanswered.push(stream);
                continue;
            }
            let mut question = String::new();
            BufReader::new(&stream).read_line(&mut question).unwrap();
            let put = question.trim_end().strip_prefix("put ").map(str::to_owned);
            let answer = if put.is_some() { "ok" } else { kept.as_str() };
            writeln!(stream, "{answer}").unwrap();
            kept = put.unwrap_or(kept);
        }
    });
}

fn commit_something(house: &House) {
    let opened = house.enter().unwrap();
    let caller = Caller::new("owner", Roles::of(&Role::ALL), None);
    let now = UnixTime::from_system_clock();
    let context = Context { now, random: &SystemRandom, caller: &caller };
    let pan = Pan::parse(b"4111111111111111").unwrap();
    let text = Reference::parse("r").unwrap();
    let provision = Provision {
        card: CardSource::Clear { pan, expiry: Expiry::parse(b"4912").unwrap() },
        trid: Trid::parse(b"40010000001").unwrap(),
        evidence: Evidence { provider: text.clone(), reference: text, auth_reference: None },
        par: None,
        domain: Domain::default(),
        providers: None,
    };
    let request = Request { command: Command::Provision(Box::new(provision)), idempotency: None, body: b"" };
    let decided = opened.hall.decide(|engine| {
        let outcome = engine.execute(context, &request, None, &Fetched::Nothing);
        if let Outcome::Answer(pending) = outcome { pending.group() } else { panic!("{outcome:?}") }
    });
    opened.hall.wait_for(decided.unwrap()).unwrap();
}

/// Something that must be recorded before it is answered.
fn note_of(operation: &'static str) -> Notes {
    let mut notes = Notes::default();
    notes.add(operation, Kept::Record, Status::Ok, None);
    notes
}

/// What the log has of callers: who, and what they did or were refused.
fn told_by(bench: &Bench) -> Vec<(String, String)> {
    let mut told = Vec::new();
    let report = crate::audit::verify(&bench.dir.path().join("audit"), None, &[], None, &mut |seen| {
        if let Some(Event::Done(done) | Event::Refused(done)) = &seen.event {
            told.push((done.caller.clone(), done.operation.clone()));
        }
    });
    assert!(report.is_ok());
    told
}

/// Sealed while what `table` tells hangs: keys go all the same. Whether what was put down
/// before is durable.
fn sealed_while_it_hangs(table: &str) -> (Bench, TempDir, Arc<AtomicBool>, Result<(), Unrecorded>) {
    let (dir, is_silent) = (TempDir::new().unwrap(), Arc::new(AtomicBool::new(false)));
    let socket = dir.path().join("service.sock");
    serve_anchor(&socket, &is_silent);
    let bench = bench_with(&format!("[{table}]\nservice = {socket:?}\n"));
    let now = Instant::now();
    bench.give(0, now).unwrap();
    bench.give(1, now).unwrap();
    is_silent.store(true, Ordering::SeqCst);
    commit_something(&bench.house);
    let put = bench.recorder.put_down(UnixTime::from_system_clock(), "alice", &note_of("seal"));
    bench.house.seal().unwrap();
    assert!(bench.is_wiped());
    let recorded = bench.recorder.is_durable(put);
    (bench, dir, is_silent, recorded)
}

/// Only opening again waits for the one that hangs.
#[test]
fn an_anchor_that_hangs_keeps_no_key_in_memory() {
    let (bench, _dir, is_silent, recorded) = sealed_while_it_hangs("anchor");
    assert!(recorded.is_ok());
    assert!(bench.house.porter().committer.is_some(), "it does not hang, so nothing is shown");
    is_silent.store(false, Ordering::SeqCst);
    bench.give(0, Instant::now()).unwrap();
    bench.give(1, Instant::now()).unwrap();
    assert_eq!(bench.house.enter().unwrap().hall.decide(|engine| engine.token_count()), Ok(1));
}

/// While it hangs nobody else may write the log.
#[test]
fn an_audit_log_that_hangs_keeps_no_key_in_memory() {
    let (bench, _dir, is_silent, _) = sealed_while_it_hangs("audit");
    assert!(bench.house.porter().clerk.is_some(), "it does not hang, so nothing is shown");
    is_silent.store(false, Ordering::SeqCst);
    let now = Instant::now();
    bench.give(0, now).unwrap();
    while bench.give(1, now) == Err(Status::UnsealFailed) {
        std::thread::yield_now();
        bench.give(0, now).unwrap();
    }
    assert_eq!(bench.house.enter().unwrap().hall.decide(|engine| engine.token_count()), Ok(1));
    bench.house.close().unwrap();
    assert_eq!(told_by(&bench), [("alice".to_owned(), "seal".to_owned())]);
}

/// Its keys do not wait for what they wait for.
#[test]
fn an_opening_is_given_up_for_sealing() {
    let dir = TempDir::new().unwrap();
    let socket = dir.path().join("service.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let bench = bench_with(&format!("[anchor]\nservice = {socket:?}\n"));
    let now = Instant::now();
    bench.give(0, now).unwrap();
    let sealing = &bench.house.site.as_ref().unwrap().sealing;
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| bench.give(1, now));
        let (mut asked, _) = listener.accept().unwrap();
        assert!(!bench.is_wiped(), "nothing is opening, so nothing is shown");
        let sealed = scope.spawn(|| bench.house.seal());
        while !sealing.is_wanted() {
            std::thread::yield_now();
        }
        answer_all(listener, Arc::default());
        writeln!(asked, "none").unwrap();
        assert_eq!(opening.join().unwrap(), Err(Status::UnsealFailed));
        sealed.join().unwrap().unwrap();
    });
    assert!(bench.house.enter().is_none() && bench.is_wiped() && !sealing.is_wanted());
    bench.give(0, now).unwrap();
    bench.give(1, now).unwrap();
    assert!(bench.house.enter().is_some());
}

/// What happens while it is sealed is written down once it is open.
#[test]
fn what_was_refused_while_sealed_is_in_the_log() {
    let bench = bench();
    let mut notes = Notes::default();
    notes.add("unseal", Kept::Record, Status::ShareWrong, None);
    notes.add("forget", Kept::Record, Status::Ok, None);
    bench.recorder.note(UnixTime::from_system_clock(), "mallory", &notes).unwrap();
    let now = Instant::now();
    bench.give(0, now).unwrap();
    bench.give(1, now).unwrap();
    bench.house.close().unwrap();
    let by_mallory = |operation: &str| ("mallory".to_owned(), operation.to_owned());
    assert_eq!(told_by(&bench), [by_mallory("forget"), by_mallory("unseal")]);
}

#[test]
fn shares_are_forgotten_after_a_while_or_on_demand() {
    let bench = bench();
    let begun = Instant::now();
    let later = |seconds| begun + Duration::from_secs(seconds);
    bench.give(0, begun).unwrap();
    bench.house.tidy(later(599));
    assert_eq!(bench.house.custody(later(599)).given, [1]);
    bench.house.tidy(later(600));
    assert!(bench.is_wiped());
    // The time counts from the last share, not from the first; alone it opens nothing.
    bench.give(1, later(700)).unwrap();
    assert_eq!(bench.give(1, later(1200)), Err(Status::ShareGiven));
    assert_eq!(bench.house.custody(later(1299)).forgotten_in, Some(1));
    assert!(bench.house.custody(later(1300)).given.is_empty());
    bench.give(1, later(1301)).unwrap();
    bench.house.forget();
    assert!(bench.house.custody(later(1301)).given.is_empty() && bench.is_wiped());
}

#[test]
fn what_does_not_fit_is_refused_and_loses_nothing() {
    let bench = bench();
    let now = Instant::now();
    bench.give(0, now).unwrap();
    let give =
        |opener: &Opener<'_>| bench.house.give(opener, &bench.metrics, now).map_err(|error| error.status());
    let mistyped = bench.shares[1].text().replace('-', "7");
    assert_eq!(give(&Opener::Share(&mistyped)), Err(Status::ShareMalformed));
    assert_eq!(give(&Opener::Passphrase(b"passphrase")), Err(Status::OpenerUnfit));
    assert_eq!(give(&Opener::WrappingKey(&[7; 32])), Err(Status::OpenerUnfit));
    let other = self::bench();
    let foreign = other.shares[1].text();
    assert_eq!(give(&Opener::Share(&foreign)), Err(Status::ShareOfAnother));
    assert_eq!(bench.house.custody(now).given, [1]);
    // Shared anew meanwhile: what was given is of no more use, and is not mixed in.
    std::fs::copy(other.dir.path().join("keyring"), bench.dir.path().join("keyring")).unwrap();
    assert_eq!(bench.give(1, now), Err(Status::ShareOfAnother));
    assert_eq!(give(&Opener::Share(&foreign)), Ok(()));
    assert_eq!(bench.house.custody(now).given, [2]);
    assert_eq!(give(&Opener::Share(&other.shares[0].text())), Ok(()));
    assert!(bench.house.enter().is_some());
    assert_eq!(
        UnsealError::from(ShareError::Wrong(1)).status(),
        Status::ShareWrong,
        "a forged value of a number that was made"
    );
}

#[test]
fn a_store_that_is_in_use_leaves_it_sealed_and_no_key_behind() {
    let bench = bench();
    let now = Instant::now();
    let held = crate::store::StoreLock::take(&bench.dir.path().join("tally.db")).unwrap();
    bench.give(0, now).unwrap();
    assert_eq!(bench.give(1, now), Err(Status::UnsealFailed));
    assert!(bench.house.enter().is_none() && bench.is_wiped());
    drop(held);
    bench.give(0, now).unwrap();
    bench.give(1, now).unwrap();
    assert!(bench.house.enter().is_some());
}
