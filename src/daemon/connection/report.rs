//! What the daemon says of itself.

use super::{Lobby, SERVER};
use crate::daemon::{Stopped, sandbox};
use crate::secmem::Hardening;
use crate::wire::{KeyReport, Status, StatusReport};

impl Lobby {
    /// What the daemon is and how it is.
    pub(super) fn report(&self) -> StatusReport {
        let hardening = Hardening::read().ok();
        let keys = self.keyring.infos().iter().map(|key| KeyReport {
            purpose: key.purpose.name().to_owned(),
            version: key.version.get().into(),
            state: key.state.name().to_owned(),
            kcv: key.kcv.to_string(),
        });
        let tokens = self.hall.decide(|engine| engine.token_count()).unwrap_or(0);
        StatusReport {
            health: self.health().to_owned(),
            server: SERVER.to_owned(),
            protection: self.keyring.protection().to_string(),
            dumpable: hardening.is_none_or(|hardening| hardening.dumpable),
            no_new_privs: hardening.is_some_and(|hardening| hardening.no_new_privs),
            core_limit: hardening.and_then(|hardening| hardening.core_limit),
            sandbox: sandbox::told().to_owned(),
            epoch: self.epoch,
            durable_group: self.hall.durable().map_or(0, |group| group.0),
            tokens: u64::try_from(tokens).unwrap_or(u64::MAX),
            connections: u64::try_from(self.metrics.connections.get()).unwrap_or(0),
            uptime_seconds: self.started.elapsed().as_secs(),
            keys: keys.collect(),
        }
    }

    /// Brings the gauges that nothing else sets up to date.
    pub(in crate::daemon) fn refresh_metrics(&self) {
        let tokens = self.hall.decide(|engine| engine.token_count()).unwrap_or(0);
        self.metrics.tokens.set(i64::try_from(tokens).unwrap_or(i64::MAX));
        self.metrics.healthy.set(i64::from(self.health() == "serving"));
    }

    /// `serving`, or the name of the status with which new work is refused.
    fn health(&self) -> &'static str {
        if self.audit.is_blocked() {
            // The engine is told a moment later.
            return Status::AuditUnwritable.name();
        }
        match self.hall.decide(|engine| engine.closed()) {
            Ok(None) => "serving",
            Ok(Some(why)) => Status::from(why).name(),
            Err(Stopped) => Status::Stopped.name(),
        }
    }
}
