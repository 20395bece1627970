//! The configuration: a TOML file that is read as it is, then parsed into what
//! the daemon can rely on. Every error names its field.

mod defaults;
mod raw;
mod store;

pub use defaults::default_text;
pub use store::StoreConfig;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::peer::ExecutableDigest;
use crate::account::{BinController, TokenRange};
use crate::command::{Caller, Role, Roles};
use crate::engine::{EngineConfig, EngineLimits};
use crate::store::LogLimits;
use crate::types::{Network, Trid};
use raw::{RawAnchor, RawAudit, RawConfig, RawPeer};

/// A configuration that was checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the engine is told.
    pub engine: EngineConfig,
    /// Limits of the daemon.
    pub limits: DaemonLimits,
    /// Where the store is.
    pub store: StoreConfig,
    /// Where anchors are kept.
    pub anchor: AnchorConfig,
    /// Where the audit log is kept.
    pub audit: AuditConfig,
    /// Where the sockets are made; the state directory if none is given.
    pub socket_dir: Option<PathBuf>,
    /// The group that may open the data socket, by its number.
    pub socket_group: Option<u32>,
    /// The group that may open the admin socket, by its number; else its owner only.
    pub admin_group: Option<u32>,
    /// The peers, in the order of the file.
    pub peers: Vec<PeerRule>,
    /// Whether what the sandbox forbids is stopped, or only logged.
    pub sandbox_enforced: bool,
}

/// Limits of the daemon: past each the peer is refused.
#[derive(Debug, Clone, Copy)]
pub struct DaemonLimits {
    /// Connections open at a time on the data socket; the admin socket has room of its
    /// own.
    pub connections: usize,
    /// Bytes of the largest frame, its length field included.
    pub frame_bytes: u32,
    /// Requests of one connection handled together.
    pub in_flight: u32,
    /// Bytes of the store's write-ahead log, and those to be left free beside it.
    pub log: LogLimits,
    /// Seconds for which a peer may leave its replies unread.
    pub write_timeout_seconds: u64,
}

/// Where anchors are kept.
#[derive(Debug, Clone)]
pub struct AnchorConfig {
    /// The file; `anchor` in the state directory if none is given.
    pub file: Option<PathBuf>,
    /// The socket of a service that keeps one too.
    pub service: Option<PathBuf>,
    /// The least time between two writings.
    pub interval: Duration,
}

/// Where the audit log is kept.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// Its directory; `audit` in the state directory if none is given.
    pub dir: Option<PathBuf>,
    /// The file that remembers its head; `audit-head` in the state directory if none
    /// is given.
    pub head: Option<PathBuf>,
    /// The socket of a service that remembers it too.
    pub service: Option<PathBuf>,
    /// Bytes of each of its files.
    pub file_bytes: u64,
}

/// Which kernel identity is which caller.
#[derive(Debug, Clone)]
pub struct PeerRule {
    /// The user id that must match, if given.
    pub uid: Option<u32>,
    /// The group id that must match, if given.
    pub gid: Option<u32>,
    /// The digest that its executable must have, if given.
    pub executable: Option<ExecutableDigest>,
    /// Engine requests a second that it may make, if there is a limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// The caller it is.
    pub caller: Caller,
}

impl PeerRule {
    /// A rule for a uid, a gid or both, any executable and any rate.
    #[must_use]
    pub const fn new(caller: Caller, uid: Option<u32>, gid: Option<u32>) -> Self {
        Self { uid, gid, executable: None, requests_per_second: None, caller }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// It is not TOML, or a field is unknown, missing or of another type.
    #[error("{0}")]
    Syntax(String),
    /// A field has a value that is not allowed.
    #[error("{field}: {reason}")]
    Field {
        /// The field, as a path: `peer[0].roles[1]`.
        field: String,
        /// What it must be.
        reason: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), reason: error.to_string() })?;
        Self::parse(&text)
    }

    /// Checks the text of a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] or [`ConfigError::Field`], of the first fault.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        let peers = raw.peer.iter().enumerate().map(|(at, peer)| parse_peer(at, peer));
        let config = Self {
            engine: parse_engine(&raw)?,
            limits: parse_limits(&raw)?,
            store: store::parse(raw.store.as_ref())?,
            anchor: parse_anchor(&raw)?,
            audit: parse_audit(&raw)?,
            sandbox_enforced: raw.sandbox.enforce,
            socket_dir: raw.sockets.dir.clone(),
            socket_group: raw.sockets.group,
            admin_group: raw.sockets.admin_group,
            peers: peers.collect::<Result<_, _>>()?,
        };
        check_peers(&config.peers)?;
        Ok(config)
    }
}

fn fault(field: impl Into<String>, reason: impl ToString) -> ConfigError {
    ConfigError::Field { field: field.into(), reason: reason.to_string() }
}

/// A number of a field, if it lies in a range.
fn within<T: Copy + PartialOrd + std::fmt::Display>(
    field: &str,
    value: T,
    low: T,
    high: T,
) -> Result<T, ConfigError> {
    if value < low || value > high {
        return Err(fault(field, format!("must be {low} to {high}, not {value}")));
    }
    Ok(value)
}

fn parse_engine(raw: &RawConfig) -> Result<EngineConfig, ConfigError> {
    let ranges = raw.token_range.iter().enumerate().map(|(at, range)| {
        let network = Network::from_name(&range.network).ok_or_else(|| {
            fault(format!("token_range[{at}].network"), format!("unknown network `{}`", range.network))
        })?;
        let prefix = TokenRange::parse(&range.prefix)
            .map_err(|error| fault(format!("token_range[{at}].prefix"), error))?;
        Ok((network, prefix))
    });
    let limits = &raw.limits;
    Ok(EngineConfig {
        bin_controller: BinController::parse(&raw.bin_controller)
            .map_err(|error| fault("bin_controller", error))?,
        token_ranges: ranges.collect::<Result<_, _>>()?,
        max_age_slots: within("cryptogram.max_age_slots", raw.cryptogram.max_age_slots, 1, 32_767)?,
        limits: EngineLimits {
            tokens: within("limits.tokens", limits.tokens, 1, 1 << 31)?,
            cards: within("limits.cards", limits.cards, 1, 1 << 26)?,
            par_links: within("limits.par_links", limits.par_links, 1, 1 << 26)?,
            idempotency_keys: within("limits.idempotency_keys", limits.idempotency_keys, 1, 100_000_000)?,
            idempotency_seconds: within(
                "limits.idempotency_seconds",
                limits.idempotency_seconds,
                86_400,
                31_536_000,
            )?,
            group: within("limits.group", limits.group, 64, 1_048_576)?,
            journal_bytes: within("limits.journal_bytes", limits.journal_bytes, 1024, 1 << 40)?,
            token_per_minute: match limits.token_per_minute {
                Some(rate) => NonZeroU32::new(within("limits.token_per_minute", rate, 1, 60_000)?),
                None => None,
            },
            key_grace_seconds: within("keys.grace_seconds", grace(raw), 0, 1 << 40)?,
        },
    })
}

/// What is configured; else so long that no cryptogram or short value that is young
/// enough is refused for its key, and at least a day.
fn grace(raw: &RawConfig) -> u64 {
    let longest = (u64::from(raw.cryptogram.max_age_slots) + 1) * 600;
    raw.keys.grace_seconds.unwrap_or(longest.max(86_400))
}

fn parse_limits(raw: &RawConfig) -> Result<DaemonLimits, ConfigError> {
    let limits = &raw.limits;
    Ok(DaemonLimits {
        connections: within("limits.connections", limits.connections, 1, 4096)?,
        frame_bytes: within("limits.frame_bytes", limits.frame_bytes, 4096, 16_777_216)?,
        in_flight: within("limits.in_flight", limits.in_flight, 1, 65_536)?,
        log: LogLimits {
            reserved: within("limits.log_bytes", limits.log_bytes, 4 << 20, 1 << 40)?,
            checkpoint: limits.log_bytes / 2,
            free: within("limits.free_bytes", limits.free_bytes, 0, 1 << 50)?,
            background: true,
        },
        write_timeout_seconds: within("limits.write_timeout_seconds", limits.write_timeout_seconds, 1, 3600)?,
    })
}

fn parse_anchor(raw: &RawConfig) -> Result<AnchorConfig, ConfigError> {
    let RawAnchor { file, service, interval_milliseconds } = &raw.anchor;
    let milliseconds = within("anchor.interval_milliseconds", *interval_milliseconds, 1, 60_000)?;
    let interval = Duration::from_millis(milliseconds);
    Ok(AnchorConfig { file: file.clone(), service: service.clone(), interval })
}

fn parse_audit(raw: &RawConfig) -> Result<AuditConfig, ConfigError> {
    let RawAudit { dir, head, service, file_bytes } = &raw.audit;
    // A file holds at least one record of any length.
    let file_bytes = within("audit.file_bytes", *file_bytes, 128 << 10, 1 << 28)?;
    Ok(AuditConfig { dir: dir.clone(), head: head.clone(), service: service.clone(), file_bytes })
}

fn parse_peer(at: usize, peer: &RawPeer) -> Result<PeerRule, ConfigError> {
    let name_is_good = (1..=64).contains(&peer.name.len())
        && peer.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !name_is_good {
        return Err(fault(format!("peer[{at}].name"), "must be 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`"));
    }
    if peer.uid.is_none() && peer.gid.is_none() {
        return Err(fault(format!("peer[{at}]"), "must have a uid or a gid"));
    }
    let roles = peer.roles.iter().enumerate().map(|(nth, role)| {
        Role::from_name(role)
            .ok_or_else(|| fault(format!("peer[{at}].roles[{nth}]"), format!("unknown role `{role}`")))
    });
    let roles = roles.collect::<Result<Vec<_>, _>>()?;
    if roles.is_empty() {
        return Err(fault(format!("peer[{at}].roles"), "must name a role"));
    }
    let trids = peer.trids.as_ref().map(|trids| {
        let parse = |(nth, trid): (usize, &String)| {
            Trid::parse(trid.as_bytes()).map_err(|error| fault(format!("peer[{at}].trids[{nth}]"), error))
        };
        trids.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()
    });
    let trids = trids.transpose()?;
    let executable = peer.executable_sha256.as_ref().map(|text| {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        bytes
            .and_then(|bytes| ExecutableDigest::try_from(bytes).ok())
            .ok_or_else(|| fault(format!("peer[{at}].executable_sha256"), "must be 64 hex digits"))
    });
    let rate = peer.requests_per_second.map(|rate| {
        let rate = within(&format!("peer[{at}].requests_per_second"), rate, 1, 100_000_000)?;
        Ok(NonZeroU32::new(rate))
    });
    let caller = Caller::new(&peer.name, Roles::of(&roles), trids.as_deref());
    Ok(PeerRule {
        executable: executable.transpose()?,
        requests_per_second: rate.transpose()?.flatten(),
        ..PeerRule::new(caller, peer.uid, peer.gid)
    })
}

/// No two peers may share a name, since idempotency keys are scoped to it, or an
/// identity, since only the first would ever be met.
fn check_peers(peers: &[PeerRule]) -> Result<(), ConfigError> {
    for (at, peer) in peers.iter().enumerate() {
        for (earlier, other) in peers.iter().enumerate().take(at) {
            if peer.caller.name() == other.caller.name() {
                return Err(fault(format!("peer[{at}].name"), format!("is the name of peer[{earlier}] too")));
            }
            if (peer.uid, peer.gid, peer.executable) == (other.uid, other.gid, other.executable) {
                return Err(fault(
                    format!("peer[{at}]"),
                    format!("has the same uid, gid and executable as peer[{earlier}]"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
