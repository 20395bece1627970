//! From a command line to a serving daemon, and in order back out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::config::Config;
use super::connection::{Lobby, SERVER};
use super::options::{HELP, Invocation, Options, parse};
use super::server::Server;
use super::sockets::{Socket, bind};
use super::{DaemonError, House, Metrics, Site, paths};
use crate::crypto::SystemRandom;
use crate::engine::{EngineError, self_test};
use crate::keys::read_passphrase;
use crate::secmem::{Protection, Region, harden};
use crate::store::{StoreError, StoreLock};
use crate::types::UnixTime;

/// Slots of locked memory: every version of every key, and those that wrap them.
const SLOTS: usize = 1024;
/// How often the house is looked after.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// The credential of systemd with the passphrase.
const CREDENTIAL: &str = "tallyd.passphrase";

/// What ends a serving daemon.
enum End {
    /// SIGTERM or SIGINT.
    Signal,
    /// The store failed.
    Store,
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
    self_test()?;
    let config_path = options.config.clone().unwrap_or_else(|| paths::config(&options.dir));
    let config = Config::read(&config_path)?;
    // Before any thread too, and for good: keys come and go in it.
    let region = region()?;
    // Two daemons would take each other's sockets, and while sealed none has the store.
    let _alone = StoreLock::take(&paths::daemon(&options.dir)).map_err(|error| match error {
        StoreError::InUse => DaemonError::Running,
        error => error.into(),
    })?;
    let (end, ended) = channel();
    let failed = end.clone();
    // Nobody listens any more when the daemon is already ending.
    let failed = Arc::new(move || drop(failed.send(End::Store)));
    let lobby = Arc::new(Lobby {
        house: House::sealed(Site::new(options.dir.clone(), &config, region, failed)),
        metrics: Metrics::new(),
        frame: config.limits.frame_bytes,
        in_flight: config.limits.in_flight,
        clock: UnixTime::from_system_clock,
        random: Box::new(SystemRandom),
        started: Instant::now(),
    });
    unseal(options, &lobby)?;
    watch_signals(end)?;
    let sockets = bind(&options.dir, &config)?;
    let server = Arc::new(Server::new(Arc::clone(&lobby), config.peers, config.limits));
    tracing::info!("serving");
    let result = serve(&server, &sockets, &lobby.house, &ended);
    tracing::info!("stopped");
    result
}

/// The locked memory; says so if it is protected by less than it could be.
fn region() -> Result<Region, DaemonError> {
    let region = Region::new(SLOTS)?;
    if region.protection() == Protection::Locked {
        let cause = region.fallback_cause().map(|errno| errno.to_string());
        tracing::warn!(
            ?cause,
            "no memfd_secret: keys are in mlock memory, which root can read in this process"
        );
    }
    Ok(region)
}

/// Opens the house with the passphrase of a file or of systemd, if there is one.
fn unseal(options: &Options, lobby: &Lobby) -> Result<(), DaemonError> {
    let credential = || {
        let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
        path.exists().then_some(path)
    };
    let Some(file) = options.passphrase_file.clone().or_else(credential) else {
        tracing::warn!("sealed: waiting to be unsealed on the admin socket");
        return Ok(());
    };
    lobby.house.open(&lobby.metrics, |sealed, region| sealed.open(region, &read_passphrase(&file)?))
}

/// Accepts until something ends it; then connections, committer and sockets, in
/// this order, so that nothing acknowledged is lost and nothing read is unanswered.
fn serve(
    server: &Arc<Server>,
    sockets: &[Socket; 2],
    house: &House,
    ended: &Receiver<End>,
) -> Result<(), DaemonError> {
    std::thread::scope(|scope| {
        for socket in sockets {
            scope.spawn(|| server.accept_all(socket));
        }
        let end = loop {
            match ended.recv_timeout(TIDY_INTERVAL) {
                Ok(end) => break end,
                Err(RecvTimeoutError::Timeout) => house.tidy(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => break End::Store,
            }
        };
        match end {
            End::Signal => tracing::info!("asked to stop"),
            End::Store => tracing::error!("the store failed; stopping"),
        }
        server.refuse_more();
        for socket in sockets {
            // Wakes the thread in accept.
            let _ = rustix::net::shutdown(&socket.listener, rustix::net::Shutdown::Both);
        }
        server.close();
        let closed = house.close();
        // A store that failed at an earlier sealing ends the daemon as badly.
        if matches!(end, End::Store) && closed.is_ok() { Err(StoreError::Poisoned) } else { closed }
    })
    .map_err(Into::into)
}

fn watch_signals(end: Sender<End>) -> Result<(), DaemonError> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(DaemonError::System)?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let watch = move || {
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
