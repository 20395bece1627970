//! Destroying a retiring key, and what must be gone through before.

use super::{Chore, House, Opened};
use crate::crypto::KeyPurpose;
use crate::daemon::{DaemonError, Metrics, Stopped};
use crate::engine::{Engine, Fetched, Need, Survey, Unsealed};
use crate::keys::{KeyInfo, KeyState, OpenKeyring};
use crate::store::{TokenRow, TokenSlot};
use crate::types::{KeyVersion, UnixTime};
use crate::wire::Status;

/// Rows that are read at a time.
const STEP: usize = 100;

/// Rows that were gone through.
pub(in crate::daemon) struct Step<T> {
    pub survey: Survey<T>,
    /// Where to go on; none at the end.
    pub next: Option<TokenSlot>,
}

impl House {
    /// Destroys a retiring version of a key: first in the keyring's file, durably,
    /// then in memory. For that the house is sealed and opened again, so that nothing
    /// keeps the key; requests meanwhile are refused as sealed.
    ///
    /// # Errors
    /// [`Status::Sealed`]; [`Status::KeyNotRetiring`]; [`Status::KeyInGrace`];
    /// [`Status::KeyNeeded`] if anything stored needs it; [`Status::UnsealFailed`]
    /// if it is destroyed and the house did not open again.
    pub fn destroy(
        &self,
        purpose: &str,
        version: KeyVersion,
        metrics: &Metrics,
        now: UnixTime,
    ) -> Result<(), Status> {
        let site = self.site.as_ref().ok_or(Status::Sealed)?;
        let purpose = {
            let opened = self.enter().ok_or(Status::Sealed)?;
            let infos = opened.keyring.infos();
            let key = infos.iter().find(|key| key.purpose.name() == purpose && key.version == version);
            let key = key.filter(|key| key.state == KeyState::Retiring).ok_or(Status::KeyNotRetiring)?;
            if key.is_within(site.grace(), now) {
                return Err(Status::KeyInGrace);
            }
            // Nothing comes to need a retiring key, so it may be seen before anybody is locked out.
            if is_needed(&opened, key.purpose, version)? {
                return Err(Status::KeyNeeded);
            }
            key.purpose
        };
        self.have_done(Chore::Destroy(purpose, version), metrics).map_err(|error| {
            tracing::error!(%error, "a key was to be destroyed");
            match error {
                DaemonError::Sealed => Status::Sealed,
                DaemonError::NotWritten(_) | DaemonError::Store(_) | DaemonError::Stopping => Status::Stopped,
                _ => Status::UnsealFailed,
            }
        })
    }

    /// Writes the keyring without a key, seals, and opens again.
    pub(super) fn reopen_without(
        &self,
        purpose: KeyPurpose,
        version: KeyVersion,
        metrics: &Metrics,
    ) -> Result<(), DaemonError> {
        let mut porter = self.porter();
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        let mut keys = porter.keys.take().ok_or(DaemonError::Sealed)?;
        if let Err(error) = site.write_without(&mut keys, purpose, version) {
            porter.keys = Some(keys);
            return Err(DaemonError::NotWritten(error.to_string()));
        }
        self.seal_holding(&mut porter)?;
        self.settle(&mut porter, keys, metrics)
    }
}

impl super::Site {
    /// Seconds for which a retiring key still verifies.
    const fn grace(&self) -> u64 {
        self.engine.limits.key_grace_seconds
    }

    /// Writes the keyring with a key destroyed. If that fails, whether the file
    /// is the old or the new one is not known.
    fn write_without(
        &self,
        keys: &mut OpenKeyring,
        purpose: KeyPurpose,
        version: KeyVersion,
    ) -> Result<(), DaemonError> {
        // At a second try after a failed write it is destroyed here already.
        let is_this = |key: &&KeyInfo| key.purpose == purpose && key.version == version;
        if keys.infos().find(is_this).is_some_and(|key| key.state == KeyState::Retiring) {
            keys.destroy(purpose, version)?;
        }
        self.write(keys)
    }
}

impl Opened {
    /// Reads some rows, and goes through them at the engine.
    pub(in crate::daemon) fn step<T>(
        &self,
        after: Option<TokenSlot>,
        limit: usize,
        survey: impl Fn(&Engine<Unsealed>, &[TokenRow]) -> Survey<T>,
    ) -> Result<Step<T>, Status> {
        let stopped = |_: Stopped| Status::Stopped;
        loop {
            let Fetched::Rows(rows) = self.hall.fetch(Need::Range { after, limit }).map_err(stopped)? else {
                return Err(Status::Stopped);
            };
            let survey = self.hall.decide(|engine| survey(engine, &rows)).map_err(stopped)?;
            if survey.looked_at == rows.len() && rows.len() < limit {
                return Ok(Step { survey, next: None });
            }
            // Unless the first was written since it was read: then once more.
            if let Some(last) = survey.looked_at.checked_sub(1).and_then(|last| rows.get(last)) {
                return Ok(Step { next: Some(last.slot), survey });
            }
        }
    }
}

/// Whether anything stored needs the key.
fn is_needed(opened: &Opened, purpose: KeyPurpose, version: KeyVersion) -> Result<bool, Status> {
    match purpose {
        // Cryptograms and values made with it are past their grace.
        KeyPurpose::TokenDerivation => Ok(false),
        KeyPurpose::PanSealing => {
            let mut after = None;
            loop {
                let step = opened.step(after, STEP, |engine, rows| engine.survey_sealed_by(rows, version))?;
                // What cannot be read might need it.
                if !step.survey.found.is_empty() || step.survey.unopened > 0 {
                    return Ok(true);
                }
                let Some(next) = step.next else { return Ok(false) };
                after = Some(next);
            }
        }
        // Rows, records and groups of the journal stay under the MACs they were made with.
        KeyPurpose::Audit | KeyPurpose::Par | KeyPurpose::Fingerprint => Ok(true),
        // Imported, and destroyed by label.
        KeyPurpose::EmvIssuerMaster | KeyPurpose::CardVerification | KeyPurpose::KeyTransport => Ok(true),
    }
}
