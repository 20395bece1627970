//! The configuration as it stands in the file.

use std::path::PathBuf;

use serde::Deserialize;

use super::store::RawStore;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub bin_controller: String,
    #[serde(default)]
    pub sockets: RawSockets,
    #[serde(default)]
    pub cryptogram: RawCryptogram,
    #[serde(default)]
    pub limits: RawLimits,
    pub store: Option<RawStore>,
    #[serde(default)]
    pub anchor: RawAnchor,
    #[serde(default)]
    pub audit: RawAudit,
    #[serde(default)]
    pub keys: RawKeys,
    #[serde(default)]
    pub sandbox: RawSandbox,
    #[serde(default)]
    pub token_range: Vec<RawRange>,
    #[serde(default)]
    pub peer: Vec<RawPeer>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSockets {
    pub dir: Option<PathBuf>,
    pub group: Option<u32>,
    pub admin_group: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    pub grace_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAnchor {
    pub file: Option<PathBuf>,
    pub service: Option<PathBuf>,
    pub interval_milliseconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAudit {
    pub dir: Option<PathBuf>,
    pub head: Option<PathBuf>,
    pub service: Option<PathBuf>,
    pub file_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCryptogram {
    pub max_age_slots: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub connections: usize,
    pub frame_bytes: u32,
    pub in_flight: u32,
    pub journal_bytes: u64,
    pub log_bytes: u64,
    pub free_bytes: u64,
    pub write_timeout_seconds: u64,
    pub tokens: u32,
    pub cards: usize,
    pub par_links: usize,
    pub idempotency_keys: usize,
    pub idempotency_seconds: u64,
    pub group: usize,
    pub token_per_minute: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSandbox {
    pub enforce: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRange {
    pub network: String,
    pub prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPeer {
    pub name: String,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub executable_sha256: Option<String>,
    pub requests_per_second: Option<u32>,
    pub roles: Vec<String>,
    pub trids: Option<Vec<String>>,
}

impl Default for RawCryptogram {
    fn default() -> Self {
        Self { max_age_slots: 144 }
    }
}

impl Default for RawAnchor {
    fn default() -> Self {
        Self { file: None, service: None, interval_milliseconds: 100 }
    }
}

impl Default for RawAudit {
    fn default() -> Self {
        Self { dir: None, head: None, service: None, file_bytes: 16 << 20 }
    }
}

impl Default for RawSandbox {
    fn default() -> Self {
        Self { enforce: true }
    }
}

impl Default for RawLimits {
    fn default() -> Self {
        let engine = crate::engine::EngineLimits::default();
        let log = crate::store::LogLimits::default();
        Self {
            connections: 512,
            frame_bytes: 65_536,
            in_flight: 1024,
            journal_bytes: engine.journal_bytes,
            log_bytes: log.reserved,
            free_bytes: log.free,
            write_timeout_seconds: 30,
            tokens: engine.tokens,
            cards: engine.cards,
            par_links: engine.par_links,
            idempotency_keys: engine.idempotency_keys,
            idempotency_seconds: engine.idempotency_seconds,
            group: engine.group,
            token_per_minute: None,
        }
    }
}
