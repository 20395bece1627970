//! From a command line to a serving daemon, and in order back out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::CapabilitySet;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::anchor::{Keeper, Place};
use super::audit::{Book, Clerk};
use super::config::Config;
use super::connection::{Lobby, SERVER};
use super::options::{HELP, Invocation, Options, parse};
use super::peer::{Examiner, can_pin};
use super::sandbox::{self, Role};
use super::server::Server;
use super::service;
use super::sockets::{Passed, Socket, bind};
use super::{Committer, DaemonError, Hall, Metrics, Rates, anchor, backup, paths};
use crate::crypto::SystemRandom;
use crate::engine::{Anchor, Engine, EngineError, self_test};
use crate::keys::{Keyring, SealedKeyring, read_passphrase};
use crate::secmem::{
    Protection, Region, START_STACK, give_up_capabilities, harden, scrubbed, settle_allocator,
};
use crate::store::{ChainHead, RealDisk, SqliteStore, Store, StoreError};
use crate::types::UnixTime;

/// Slots of locked memory, three for each version of a key: 48 KiB, which also a
/// limit of 64 KiB leaves room for.
const SLOTS: usize = 1536;

/// A daemon that is ready to accept.
struct Started {
    server: Arc<Server>,
    sockets: [Socket; 2],
    hall: Arc<Hall>,
    ended: Receiver<End>,
    committer: JoinHandle<Result<(), StoreError>>,
    clerk: Clerk,
}

/// What ends a serving daemon.
enum End {
    /// SIGTERM or SIGINT.
    Signal,
    /// The committer has ended: the store failed.
    Committer,
}

/// `tallyd`: reads the arguments after the program's name and serves.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    match parse(arguments) {
        Ok(Invocation::Help) => print(HELP),
        Ok(Invocation::Version) => print(&format!("{SERVER}\n")),
        Ok(Invocation::Serve(options)) => {
            start_log();
            match run(&options, self_test) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    tracing::error!(%error, "tallyd does not serve");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => {
            tell(&format!("tallyd: {error}\n"));
            ExitCode::from(2)
        }
    }
}

/// Serves until SIGTERM or SIGINT. `self_test` is run before anything is opened.
///
/// # Errors
/// [`DaemonError`] if it does not come to serve, or its store fails.
pub fn run(options: &Options, self_test: fn() -> Result<(), EngineError>) -> Result<(), DaemonError> {
    // Before any thread: the hardening of one is inherited by the next.
    harden()?;
    let passed = Passed::take()?;
    settle_allocator();
    let started = scrubbed::<START_STACK, _>(|| start(options, passed, self_test))?;
    serve(started)?;
    tracing::info!("stopped");
    Ok(())
}

/// Everything before the first connection. It leaves keys on its stack.
fn start(
    options: &Options,
    passed: Passed,
    self_test: fn() -> Result<(), EngineError>,
) -> Result<Started, DaemonError> {
    self_test()?;
    let config_path = options.config.clone().unwrap_or_else(|| paths::config(&options.dir));
    let config = Config::read(&config_path)?;
    // Before anything that other threads must not have is given up.
    let examiner = examiner(&config)?;
    let keyring = Arc::new(unseal(options)?);
    // Memory is locked and files are read; only a socket may still go to a group.
    let kept = config.socket_group.map_or(CapabilitySet::empty(), |_| CapabilitySet::CHOWN);
    give_up_capabilities(kept)?;
    sandbox::set_up(&config, &options.dir)?;
    let mut places = anchor::places(&config.anchor, &options.dir);
    let mut store = open_store(options, &config)?;
    // Now nobody else writes them any more.
    let anchors = anchor::read_all(&mut places, &keyring)?;
    let engine = Engine::new(config.engine.clone());
    let now = UnixTime::from_system_clock();
    let (engine, chain) = engine.unseal(Arc::clone(&keyring), &mut store, &anchors, now)?;
    let (epoch, receipt) = (store.epoch(), store.receipt());
    let keeper = drop_anchor(places, &keyring, &mut store, chain.head(), config.anchor.interval)?;
    let book = Book::open(&config.audit, &options.dir, Arc::clone(&keyring))?;
    let clerk = Clerk::start(book, epoch, chain.head())?;
    let tokens = engine.token_count();
    let hall = Arc::new(Hall::new(engine, receipt));
    let lobby = Arc::new(Lobby {
        hall: Arc::clone(&hall),
        keyring,
        metrics: Metrics::new(),
        rates: Rates::of(&config.peers),
        audit: clerk.recorder(),
        backups: backup::start(store_path(options)?)?,
        frame: config.limits.frame_bytes,
        in_flight: config.limits.in_flight,
        clock: UnixTime::from_system_clock,
        random: Box::new(SystemRandom),
        started: Instant::now(),
        epoch: epoch.0,
    });
    let committer =
        Committer::new(Arc::clone(&hall), Box::new(store), chain, keeper, UnixTime::from_system_clock)
            .recording(clerk.recorder())
            .counting(&lobby.metrics);
    let (end, ended) = channel();
    watch_signals(end.clone())?;
    let sockets = bind(passed, &options.dir, &config)?;
    let committer = start_committer(committer, end)?;
    let server = Server::new(lobby, config.peers, config.limits, examiner).map_err(DaemonError::System)?;
    tracing::info!(epoch = epoch.0, tokens, "serving");
    service::serving(&hall).map_err(DaemonError::System)?;
    Ok(Started { server, sockets, hall, ended, committer, clerk })
}

fn store_path(options: &Options) -> Result<PathBuf, DaemonError> {
    let path = paths::store(&options.dir);
    std::path::absolute(&path).map_err(DaemonError::at(&path))
}

/// Says so if peers cannot be pinned, and readies the look at their executables.
fn examiner(config: &Config) -> Result<Option<Examiner>, DaemonError> {
    let wanted = config.peers.iter().any(|peer| peer.executable.is_some());
    if !can_pin().map_err(DaemonError::System)? {
        if wanted {
            return Err(DaemonError::Unpinned);
        }
        tracing::warn!("no SO_PEERPIDFD (Linux 6.5): a connection may outlive the process that opened it");
    }
    wanted.then(Examiner::start).transpose().map_err(DaemonError::System)
}

fn open_store(options: &Options, config: &Config) -> Result<SqliteStore, DaemonError> {
    let path = store_path(options)?;
    Ok(SqliteStore::open_with(Box::new(RealDisk), path, config.limits.log, || {
        sandbox::enter(Role::Checkpointer)
    })?)
}

/// Tells every anchor of this epoch before anything is served in it, and goes on
/// telling them.
fn drop_anchor(
    mut places: Vec<Box<dyn Place>>,
    keyring: &Arc<Keyring>,
    store: &mut dyn Store,
    head: ChainHead,
    interval: Duration,
) -> Result<Keeper, DaemonError> {
    let (epoch, token_key) = (store.epoch(), keyring.token_derivation.active().0);
    anchor::write_all(&mut places, keyring, &Anchor { epoch, head, token_key })?;
    store.set_anchored()?;
    Keeper::start(places, Arc::clone(keyring), epoch, head, interval).map_err(DaemonError::System)
}

/// Loads the keys, and says so if their memory is protected by less than it could be.
fn unseal(options: &Options) -> Result<Keyring, DaemonError> {
    let path = paths::keyring(&options.dir);
    let bytes = std::fs::read(&path).map_err(DaemonError::at(&path))?;
    let sealed = SealedKeyring::from_bytes(&bytes)?;
    let passphrase = read_passphrase(&options.passphrase_file)?;
    let region = Region::new(SLOTS)?;
    if region.protection() == Protection::Locked {
        let cause = region.fallback_cause().map(|errno| errno.to_string());
        tracing::warn!(
            ?cause,
            "no memfd_secret: keys are in mlock memory, which root can read in this process"
        );
    }
    Ok(sealed.open(&region, &passphrase)?.load()?)
}

/// Accepts until something ends it; then connections, committer and sockets, in
/// this order, so that nothing acknowledged is lost and nothing read is unanswered.
fn serve(started: Started) -> Result<(), DaemonError> {
    let Started { server, sockets, hall, ended, committer, clerk } = started;
    let server = &server;
    let listening = std::thread::scope(|scope| {
        let listen = |socket| {
            let accept = move || {
                sandbox::enter(Role::Listener);
                server.accept_all(socket);
            };
            let thread = std::thread::Builder::new().name(Role::Listener.thread_name().to_owned());
            thread.spawn_scoped(scope, accept).map(drop)
        };
        let listening = sockets.iter().try_for_each(listen);
        sandbox::enter(Role::Main);
        let end = if listening.is_ok() { ended.recv() } else { Ok(End::Signal) };
        match end {
            Ok(End::Signal) => tracing::info!("asked to stop"),
            _ => tracing::error!("the store failed; stopping"),
        }
        service::stopping();
        server.refuse_more();
        server.close();
        listening
    });
    hall.close();
    match committer.join() {
        Ok(result) => result?,
        Err(_) => return Err(StoreError::Poisoned.into()),
    }
    clerk.stop()?;
    listening.map_err(DaemonError::System)
}

fn start_committer(
    committer: Committer,
    end: Sender<End>,
) -> Result<JoinHandle<Result<(), StoreError>>, DaemonError> {
    let thread = std::thread::Builder::new().name("committer".to_owned());
    let work = move || {
        sandbox::enter(Role::Committer);
        let result = committer.run();
        // Nobody listens any more when the daemon is already ending.
        let _ = end.send(End::Committer);
        result
    };
    thread.spawn(work).map_err(DaemonError::System)
}

fn watch_signals(end: Sender<End>) -> Result<(), DaemonError> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(DaemonError::System)?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let watch = move || {
        sandbox::enter(Role::Signals);
        for _ in signals.forever() {
            // Further signals change nothing: the daemon is on its way out.
            let _ = end.send(End::Signal);
        }
    };
    thread.spawn(watch).map(|_| ()).map_err(DaemonError::System)
}

fn start_log() {
    let level = std::env::var("TALLYD_LOG").ok();
    let level = level.and_then(|level| level.parse::<tracing::Level>().ok()).unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
}

fn print(text: &str) -> ExitCode {
    use std::io::Write;
    // A reader that has gone away is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn tell(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}
