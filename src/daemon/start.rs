//! From a command line to a serving daemon, and in order back out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::thread::CapabilitySet;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::audit::{Recorder, make_dir};
use super::config::{Config, StoreConfig};
use super::connection::{Lobby, SERVER};
use super::house::{Errand, Unlock, Warm};
use super::options::{HELP, Invocation, Options, parse};
use super::peer::{Examiner, can_pin};
use super::sandbox::{self, Role};
use super::server::Server;
use super::service;
use super::sockets::{Passed, Socket, bind};
use super::{DaemonError, Ending, House, LastEnd, Metrics, Rates, Site, StorePlace, backup, paths};
use crate::crypto::{CryptoError, LoadedCipher, SystemRandom};
use crate::engine::{EngineError, self_test};
use crate::entry::{self, EntryRegions};
use crate::keys::{MAX_IMPORTED, read_passphrase};
use crate::secmem::{
    Protection, Region, RegionError, START_STACK, give_up_capabilities, harden, scrubbed, settle_allocator,
};
use crate::store::{StoreError, StoreLock};
use crate::types::UnixTime;

/// Slots of locked memory, three for each version of a key, and those that wrap them
/// and shares: 56 KiB, which also a limit of 64 KiB leaves room for.
const SLOTS: usize = 1792;
/// And those for imported keys, all that a keyring may have: 32 KiB more.
const IMPORTED_SLOTS: usize = MAX_IMPORTED * LoadedCipher::MOST_SLOTS;
/// How often the house is looked after.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked whether the daemon that is waited for has ended: what that
/// adds to the pause of a hand-over, half of it on average.
const TURN_INTERVAL: Duration = Duration::from_millis(2);
/// The credential of systemd with the passphrase.
const CREDENTIAL: &str = "tallyd.passphrase";

/// A daemon that is ready to accept.
struct Started {
    server: Arc<Server>,
    sockets: [Socket; 2],
    lobby: Arc<Lobby>,
    calls: Receiver<Call>,
    last_end: Option<LastEnd>,
    /// Two daemons would take each other's sockets, and while sealed none has the store.
    _alone: StoreLock,
}

/// What the first thread is called for.
enum Call {
    /// Only it may do this.
    Errand(Errand),
    /// SIGTERM or SIGINT.
    Signal,
    /// The store failed.
    Failed,
}

/// `tallyd`: reads the arguments after the program's name and serves.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    start_log();
    match parse(arguments) {
        Ok(Invocation::Help) => print(HELP),
        Ok(Invocation::Version) => print(&format!("{SERVER}\n")),
        Ok(Invocation::Serve(options)) => ended(run(&options, everything_tested)),
        Ok(Invocation::Check(options)) => ended(check(&options, everything_tested)),
        Err(error) => {
            tell(&format!("tallyd: {error}\n"));
            ExitCode::from(2)
        }
    }
}

fn ended(how: Result<(), DaemonError>) -> ExitCode {
    match how {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "tallyd does not serve");
            ExitCode::FAILURE
        }
    }
}

/// The self-tests of the engine, and of what decrypts cards for it.
fn everything_tested() -> Result<(), EngineError> {
    self_test()?;
    let regions = EntryRegions::of(1, 2).map_err(CryptoError::from)?;
    Ok(entry::self_test(regions)?)
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

/// Does what a start does before it needs the directory for itself, and nothing else: so
/// a daemon may run there. It tells on standard error what it finds.
///
/// # Errors
/// [`DaemonError`] if a daemon would not come to serve.
pub fn check(options: &Options, self_test: fn() -> Result<(), EngineError>) -> Result<(), DaemonError> {
    harden()?;
    settle_allocator();
    scrubbed::<START_STACK, _>(|| prepare(options, self_test).map(drop))?;
    tracing::info!("it would serve");
    Ok(())
}

/// A daemon that has everything but the directory for itself.
struct Prepared {
    config: Config,
    examiner: Option<Examiner>,
    lobby: Arc<Lobby>,
    /// The open keyring, if there was what opens it.
    warm: Option<Warm>,
    call: Sender<Call>,
    calls: Receiver<Call>,
}

/// Everything that another daemon's running does not hinder. It leaves keys on its stack.
fn prepare(options: &Options, self_test: fn() -> Result<(), EngineError>) -> Result<Prepared, DaemonError> {
    self_test()?;
    let config_path = options.config.clone().unwrap_or_else(|| paths::config(&options.dir));
    let config = Config::read(&config_path)?;
    sandbox::ready(&config)?;
    // Before anything that other threads must not have is given up.
    let examiner = examiner(&config)?;
    // Before any thread that has keys, and for good: keys come and go in it.
    let (region, entry) = (region()?, entry_regions()?);
    let unlock = passphrase(options)?;
    let place = StorePlace::find(&config.store)?;
    make_dir(&config.audit, &options.dir)?;
    give_up_capabilities(kept(&config))?;
    sandbox::restrict_files(&config, &options.dir)?;
    let (call, calls) = channel();
    let lobby = Arc::new(lobby(options, &config, (region, entry), place, &call)?);
    let warm = unlock.map(|unlock| lobby.house.warm(unlock)).transpose()?;
    if warm.is_none() {
        tracing::warn!("sealed: nothing here opens the keyring; it is to be unsealed on the admin socket");
    }
    Ok(Prepared { config, examiner, lobby, warm, call, calls })
}

/// Everything before the first connection. It leaves keys on its stack.
fn start(
    options: &Options,
    passed: Passed,
    self_test: fn() -> Result<(), EngineError>,
) -> Result<Started, DaemonError> {
    let Prepared { config, examiner, lobby, warm, call, calls } = prepare(options, self_test)?;
    let alone = take_turn(options)?;
    if let Some(warm) = warm {
        lobby.house.open_warm(warm, &lobby.metrics)?;
    }
    watch_signals(call)?;
    let sockets = bind(passed, &options.dir, &config)?;
    let server = Server::new(Arc::clone(&lobby), config.peers, config.limits, examiner);
    let server = server.map_err(DaemonError::System)?;
    let began = i64::try_from(UnixTime::from_system_clock().seconds()).unwrap_or(i64::MAX);
    lobby.metrics.start_time.set(began);
    let last_end = last_end(options, &lobby.metrics);
    tracing::info!("serving");
    service::serving(&lobby).map_err(DaemonError::System)?;
    Ok(Started { server, sockets, lobby, calls, last_end, _alone: alone })
}

/// Tells how the daemon before ended. One that cannot be told is no reason not to serve.
fn last_end(options: &Options, metrics: &Metrics) -> Option<LastEnd> {
    let last_end = LastEnd::begin(&paths::last_end(&options.dir));
    let told = last_end.inspect_err(|error| tracing::warn!(%error, "how the last tallyd ended is not known"));
    let last_end = told.ok()?;
    metrics.set_last_end(last_end.before);
    match last_end.before {
        None | Some(Ending::Asked) => {}
        Some(before) => {
            tracing::warn!(ended = before.name(), "the tallyd before this one was not asked to end")
        }
    }
    Some(last_end)
}

/// The lock that says that no other daemon runs, waiting for one that does as long as
/// the command line says.
fn take_turn(options: &Options) -> Result<StoreLock, DaemonError> {
    let until = Instant::now() + options.wait;
    let mut is_told = false;
    loop {
        match StoreLock::take(&paths::daemon(&options.dir)) {
            Err(StoreError::InUse) if options.wait.is_zero() => return Err(DaemonError::Running),
            Err(StoreError::InUse) if Instant::now() >= until => {
                return Err(DaemonError::StillRunning(options.wait));
            }
            Err(StoreError::InUse) => {}
            taken => return Ok(taken?),
        }
        if !is_told {
            service::standing_by();
            is_told = true;
        }
        std::thread::sleep(TURN_INTERVAL);
    }
}

fn lobby(
    options: &Options,
    config: &Config,
    (region, entry): (Region, Option<EntryRegions>),
    place: StorePlace,
    call: &Sender<Call>,
) -> Result<Lobby, DaemonError> {
    let (failed, errand) = (call.clone(), call.clone());
    // Nobody listens any more when the daemon is already ending.
    let failed = Arc::new(move || drop(failed.send(Call::Failed)));
    let audit = Recorder::new();
    // Nobody who opens it later may ask where the process stands.
    let dir = std::path::absolute(&options.dir).map_err(DaemonError::at(&options.dir))?;
    let site = Site::new(dir, config, region, audit.clone(), failed).with_entry(entry).with_store(place);
    Ok(Lobby {
        house: House::sealed(site).sending(move |one| drop(errand.send(Call::Errand(one)))),
        metrics: metrics(config),
        rates: Rates::of(&config.peers),
        audit,
        backups: match config.store {
            StoreConfig::Sqlite => backup::start(store_path(options)?)?,
            #[cfg(feature = "postgres")]
            StoreConfig::Postgres(_) => backup::Backups::elsewhere(),
        },
        frame: config.limits.frame_bytes,
        in_flight: config.limits.in_flight,
        clock: UnixTime::from_system_clock,
        random: Box::new(SystemRandom),
        started: Instant::now(),
    })
}

/// Metrics that know the limits.
fn metrics(config: &Config) -> Metrics {
    let metrics = Metrics::new();
    let limits = &config.engine.limits;
    metrics.set_limit("tokens", usize::try_from(limits.tokens).unwrap_or(usize::MAX));
    metrics.set_limit("cards", limits.cards);
    metrics.set_limit("par_links", limits.par_links);
    metrics.set_limit("idempotency_keys", limits.idempotency_keys);
    metrics.set_limit("connections", config.limits.connections);
    metrics.set_limit("held_cards", entry::MOST_HOLDS);
    metrics.set_limit("entry_sessions", entry::MOST_SESSIONS);
    metrics
}

fn store_path(options: &Options) -> Result<PathBuf, DaemonError> {
    let path = paths::store(&options.dir);
    std::path::absolute(&path).map_err(DaemonError::at(&path))
}

/// Memory is locked and files are read; only sockets may still go to a group.
fn kept(config: &Config) -> CapabilitySet {
    let groups = [config.socket_group, config.admin_group];
    if groups == [None, None] { CapabilitySet::empty() } else { CapabilitySet::CHOWN }
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

/// The locked memory; says so if it is protected by less than it could be.
fn region() -> Result<Region, DaemonError> {
    let region = match Region::new(SLOTS + IMPORTED_SLOTS) {
        Err(error @ RegionError::Lock { .. }) => {
            tracing::warn!(%error, "room for native keys only: imported ones may not fit");
            Region::new(SLOTS)?
        }
        made => made?,
    };
    if region.protection() == Protection::Locked {
        let cause = region.fallback_cause().map(|errno| errno.to_string());
        tracing::warn!(
            ?cause,
            "no memfd_secret: keys are in mlock memory, which root can read in this process"
        );
    }
    Ok(region)
}

/// The locked memory of held cards and payment sessions' keys; says so if there is none.
fn entry_regions() -> Result<Option<EntryRegions>, DaemonError> {
    match EntryRegions::new() {
        Err(error @ RegionError::Lock { .. }) => {
            tracing::warn!(%error, "no cards are held and no entry sessions opened");
            Ok(None)
        }
        made => Ok(Some(made?)),
    }
}

/// The passphrase of a file or of systemd, if there is one.
fn passphrase(options: &Options) -> Result<Option<Unlock>, DaemonError> {
    let credential = || {
        let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
        path.exists().then_some(path)
    };
    let file = options.passphrase_file.clone().or_else(credential);
    Ok(file.map(|file| read_passphrase(&file)).transpose()?.map(Unlock::Passphrase))
}

/// Accepts until something ends it; then connections, committer and sockets, in
/// this order, so that nothing acknowledged is lost and nothing read is unanswered.
fn serve(started: Started) -> Result<(), DaemonError> {
    let Started { server, sockets, lobby, calls, last_end, _alone } = started;
    let server = &server;
    let served = std::thread::scope(|scope| {
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
        let failed = listening.is_ok() && answer_calls(calls, &lobby);
        service::stopping();
        server.refuse_more();
        server.close();
        let closed = lobby.house.close();
        listening.map_err(DaemonError::System)?;
        // A store that failed at an earlier sealing ends the daemon as badly.
        if failed && closed.is_ok() { Err(StoreError::Poisoned.into()) } else { Ok(closed?) }
    });
    if let Some(Err(error)) = last_end.map(|last_end| last_end.tell(Ending::of(&served))) {
        tracing::warn!(%error, "the next start cannot tell how this one ended");
    }
    served
}

/// Does what only the first thread may, until the end. Whether the store failed.
fn answer_calls(calls: Receiver<Call>, lobby: &Lobby) -> bool {
    loop {
        match calls.recv_timeout(TIDY_INTERVAL) {
            Ok(Call::Errand(errand)) => errand.run(&lobby.house, &lobby.metrics),
            Err(RecvTimeoutError::Timeout) => lobby.house.tidy(Instant::now()),
            Ok(Call::Signal) => {
                tracing::info!("asked to stop");
                return false;
            }
            Ok(Call::Failed) | Err(RecvTimeoutError::Disconnected) => {
                tracing::error!("the store failed; stopping");
                return true;
            }
        }
    }
}

fn watch_signals(call: Sender<Call>) -> Result<(), DaemonError> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(DaemonError::System)?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let watch = move || {
        sandbox::enter(Role::Signals);
        for _ in signals.forever() {
            // Further signals change nothing: the daemon is on its way out.
            let _ = call.send(Call::Signal);
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
