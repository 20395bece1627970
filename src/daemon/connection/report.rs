//! What the daemon says of itself.

use super::{Lobby, SERVER};
use crate::daemon::{Opened, Stopped, sandbox};
use crate::secmem::Hardening;
use crate::wire::{ImportedReport, KeyReport, Status, StatusReport};

impl Lobby {
    /// What the daemon is and how it is. Sealed, it has no keys and no tokens.
    pub(super) fn report(&self, opened: Option<&Opened>) -> StatusReport {
        let hardening = Hardening::read().ok();
        let infos = opened.map(|opened| opened.keyring.infos()).unwrap_or_default();
        let keys = infos.iter().map(|key| KeyReport {
            purpose: key.purpose.name().to_owned(),
            version: key.version.get().into(),
            state: key.state.name().to_owned(),
            kcv: key.kcv.to_string(),
        });
        let imported = opened.map(|opened| opened.keyring.imported_infos()).unwrap_or_default();
        let imported = imported.iter().map(|key| ImportedReport {
            label: key.label.to_string(),
            purpose: key.purpose.name().to_owned(),
            algorithm: key.algorithm.name().to_owned(),
            state: key.state.name().to_owned(),
            kcv: key.check.to_string(),
            exportability: key.exportability.letter().to_string(),
        });
        let durable = opened.and_then(|opened| opened.hall.durable().ok());
        StatusReport {
            health: self.health(opened).to_owned(),
            server: SERVER.to_owned(),
            protection: opened.map_or(String::new(), |opened| opened.keyring.protection().to_string()),
            dumpable: hardening.is_none_or(|hardening| hardening.dumpable),
            no_new_privs: hardening.is_some_and(|hardening| hardening.no_new_privs),
            core_limit: hardening.and_then(|hardening| hardening.core_limit),
            sandbox: sandbox::told().to_owned(),
            epoch: opened.map_or(0, |opened| opened.epoch),
            durable_group: durable.map_or(0, |group| group.0),
            tokens: u64::try_from(tokens(opened)).unwrap_or(u64::MAX),
            connections: u64::try_from(self.metrics.connections.get()).unwrap_or(0),
            uptime_seconds: self.started.elapsed().as_secs(),
            keys: keys.collect(),
            imported: imported.collect(),
        }
    }

    /// Brings the gauges that nothing else sets up to date.
    pub(in crate::daemon) fn refresh_metrics(&self, opened: Option<&Opened>) {
        self.metrics.tokens.set(i64::try_from(tokens(opened)).unwrap_or(i64::MAX));
        let cards = opened.and_then(|opened| opened.hall.look(|engine| engine.cards()).ok());
        let (cards, worn) = cards.unwrap_or((0, 0));
        self.metrics.cards.set(i64::try_from(cards).unwrap_or(i64::MAX));
        self.metrics.cards_worn.set(i64::try_from(worn).unwrap_or(i64::MAX));
        let links = opened.and_then(|opened| opened.hall.look(|engine| engine.par_links()).ok());
        self.metrics.par_links.set(i64::try_from(links.unwrap_or(0)).unwrap_or(i64::MAX));
        let (held, open) = opened.map_or((0, 0), |opened| opened.entry.counts());
        self.metrics.held_cards.set(i64::try_from(held).unwrap_or(i64::MAX));
        self.metrics.entry_sessions.set(i64::try_from(open).unwrap_or(i64::MAX));
        let keys = opened.and_then(|opened| opened.hall.look(|engine| engine.idempotency_keys()).ok());
        self.metrics.idempotency_keys.set(i64::try_from(keys.unwrap_or(0)).unwrap_or(i64::MAX));
        let health = self.health(opened);
        self.metrics.healthy.set(i64::from(health == "serving"));
        self.metrics.set_state(health);
    }

    /// `serving`, or the name of the status with which new work is refused.
    fn health(&self, opened: Option<&Opened>) -> &'static str {
        let Some(opened) = opened else { return Status::Sealed.name() };
        if self.audit.is_blocked() {
            // The engine is told a moment later.
            return Status::AuditUnwritable.name();
        }
        match opened.hall.look(|engine| engine.closed()) {
            Ok(None) => "serving",
            Ok(Some(why)) => Status::from(why).name(),
            Err(Stopped) => Status::Stopped.name(),
        }
    }
}

fn tokens(opened: Option<&Opened>) -> usize {
    opened.and_then(|opened| opened.hall.look(|engine| engine.token_count()).ok()).unwrap_or(0)
}
