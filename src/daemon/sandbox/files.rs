//! The files that the daemon may still reach, by Landlock.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::SandboxError;
use crate::daemon::audit::log_dir;
use crate::daemon::config::{Config, StoreConfig};
#[cfg(feature = "postgres")]
use crate::store::postgres::PostgresHost;

/// The newest rights that are asked for; an older kernel gives what it has.
const RIGHTS: ABI = ABI::V6;

/// What came of it.
pub(super) struct Restricted {
    /// In words, for status.
    pub told: String,
    /// What is missing, if anything is.
    pub lacking: Option<String>,
}

/// Leaves the calling thread, and those it starts, the directories of state,
/// sockets, anchor and audit log, no TCP but to the database, if the store is one, and no
/// abstract Unix socket of others but a service manager's. Whatever is open stays open.
pub(super) fn restrict(config: &Config, dir: &Path) -> Result<Restricted, SandboxError> {
    // Files are made, read, written and removed; none is executed, and no other kind is made.
    let rights = AccessFs::ReadFile
        | AccessFs::WriteFile
        | AccessFs::ReadDir
        | AccessFs::RemoveFile
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::Truncate;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::Signal)?;
    if !has_abstract_manager() {
        rules = rules.scope(Scope::AbstractUnixSocket)?;
    }
    let mut rules = rules.create()?;
    for port in ports(config) {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    for directory in directories(config, dir) {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(directory)?, rights))?;
    }
    let status = rules.restrict_self()?;
    let told = match (&status.ruleset, &status.landlock) {
        (RulesetStatus::FullyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            return Ok(Restricted { told: format!("landlock {effective_abi:?}"), lacking: None });
        }
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            format!("landlock in part ({effective_abi:?})")
        }
        _ => "no landlock in this kernel".to_owned(),
    };
    Ok(Restricted { lacking: Some(told.clone()), told })
}

/// Whether a service manager is told at an abstract socket, as older ones were.
fn has_abstract_manager() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| socket.as_encoded_bytes().starts_with(b"@"))
}

/// Where TCP may go: to the database that nodes share, if the store is one.
fn ports(config: &Config) -> Vec<u16> {
    match &config.store {
        StoreConfig::Sqlite => Vec::new(),
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(database) => {
            let port = |host: &PostgresHost| match host {
                PostgresHost::Tcp(_, port) => Some(*port),
                PostgresHost::Unix(..) => None,
            };
            database.hosts.iter().filter_map(port).collect()
        }
    }
}

fn directories(config: &Config, dir: &Path) -> Vec<PathBuf> {
    let mut directories = vec![dir.to_owned()];
    directories.extend(config.socket_dir.clone());
    directories.push(log_dir(&config.audit, dir));
    // Of a bare file name the parent is empty.
    let here = |parent: &Path| if parent == Path::new("") { PathBuf::from(".") } else { parent.to_owned() };
    let files = [&config.anchor.file, &config.audit.head];
    directories.extend(files.into_iter().flatten().filter_map(|file| file.parent()).map(here));
    directories
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::*;
    use crate::daemon::config::default_text;

    #[test]
    fn no_abstract_socket_of_others_is_reached() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::parse(&default_text(0)).unwrap();
        std::fs::create_dir(dir.path().join("audit")).unwrap();
        let name = SocketAddr::from_abstract_name(dir.path().as_os_str().as_encoded_bytes()).unwrap();
        let _listening = UnixListener::bind_addr(&name).unwrap();
        UnixStream::connect_addr(&name).unwrap();
        // Only a thread is restricted, and it ends here.
        let tried = std::thread::spawn(move || {
            let restricted = restrict(&config, dir.path()).unwrap();
            (restricted.lacking, UnixStream::connect_addr(&name).map_err(|error| error.kind()).err())
        });
        match tried.join().unwrap() {
            (None, refused) => assert_eq!(refused, Some(ErrorKind::PermissionDenied)),
            (Some(lacking), _) => eprintln!("\n*** NOT TESTED: abstract sockets. {lacking}. ***\n"),
        }
    }
}
