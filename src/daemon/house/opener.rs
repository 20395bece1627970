//! What opens the keyring, as it is given on the admin socket.

use std::time::Instant;

use thiserror::Error;

use super::{Chore, House, PATIENCE, Porter, Unlock};
use crate::crypto::{LoadedKey, Root};
use crate::daemon::{DaemonError, Metrics};
use crate::keys::{Gathering, KeyError, Provider, Share, ShareError, Splitting};
use crate::secmem::Region;
use crate::wire::{CustodyReport, Opener, Status};

/// Why nothing was unsealed.
#[derive(Debug, Error)]
pub enum UnsealError {
    /// The keys are in memory already.
    #[error("the keys are in memory already")]
    Unsealed,
    /// A share was refused; those given before are kept.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The keyring is opened by something else than was given.
    #[error("the keyring is opened by {0}")]
    Unfit(&'static str),
    /// The keyring did not open, or the engine did not come up.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
}

impl House {
    /// Takes what opens the keyring, or a share of it; with enough the house opens.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn give(&self, opener: &Opener<'_>, metrics: &Metrics, now: Instant) -> Result<(), UnsealError> {
        let unlock = {
            let mut porter = self.porter();
            porter.forget_stale(now);
            if self.enter().is_some() {
                return Err(UnsealError::Unsealed);
            }
            let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
            match (opener, site.keyring()?.provider()) {
                (Opener::Share(text), Provider::Custodians(splitting)) => {
                    let share = Share::parse(site.region(), text)?;
                    let key = porter.gather(share, splitting, site.region(), now)?;
                    let Some(key) = key else { return Ok(()) };
                    Unlock::Key(key)
                }
                (Opener::Passphrase(passphrase), Provider::Passphrase { .. }) => {
                    Unlock::Passphrase(passphrase.to_vec().into())
                }
                (Opener::WrappingKey(bytes), Provider::Device(_)) => {
                    let key = LoadedKey::from_bytes(site.region(), bytes).map_err(KeyError::from);
                    Unlock::Key(key.map_err(DaemonError::from)?)
                }
                (_, provider) => return Err(UnsealError::Unfit(provider.name())),
            }
        };
        Ok(self.have_done(Chore::Open(unlock), metrics)?)
    }

    /// Forgets the shares that were given so far.
    pub fn forget(&self) {
        self.porter().gathering = None;
    }

    /// How the custody of the keys stands.
    #[must_use]
    pub fn custody(&self, now: Instant) -> CustodyReport {
        let mut porter = self.porter();
        porter.forget_stale(now);
        let sealed = self.enter().is_none();
        let provider = self.site.as_ref().and_then(|site| site.keyring().ok());
        let mut report = CustodyReport { sealed, ..CustodyReport::default() };
        if let Some(keyring) = &provider {
            keyring.provider().name().clone_into(&mut report.provider);
            if let Provider::Custodians(splitting) = keyring.provider() {
                report.splitting = Some(splitting.name());
                (report.needed, report.made) = (splitting.threshold(), splitting.count());
            }
        }
        if let Some((gathering, last)) = &porter.gathering {
            report.given = gathering.given().collect();
            report.forgotten_in = Some(PATIENCE.saturating_sub(now.duration_since(*last)).as_secs());
        }
        report
    }
}

impl Porter {
    /// Takes a share beside those that were given. Once they are enough they are not
    /// kept, and their key is given.
    fn gather(
        &mut self,
        share: Share,
        splitting: &Splitting,
        region: &Region,
        now: Instant,
    ) -> Result<Option<LoadedKey<Root>>, ShareError> {
        // Shares of an older splitting are of no more use.
        let kept = self.gathering.take().filter(|(kept, _)| kept.splitting() == splitting);
        let (mut gathering, last) = kept.unwrap_or_else(|| (Gathering::new(splitting.clone()), now));
        let given = gathering.give(share);
        // One that is refused does not prolong the wait of the others.
        let last = if given.is_ok() { now } else { last };
        let key = gathering.key(region)?;
        if key.is_none() && gathering.given().next().is_some() {
            self.gathering = Some((gathering, last));
        }
        given.map(|()| key)
    }
}

impl UnsealError {
    /// The status that it is answered with.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Unsealed => Status::Unsealed,
            Self::Unfit(_) => Status::OpenerUnfit,
            Self::Share(share) => match share {
                ShareError::Text => Status::ShareMalformed,
                ShareError::AnotherSplitting(_) => Status::ShareOfAnother,
                ShareError::Wrong(_) => Status::ShareWrong,
                ShareError::GivenAlready(_) => Status::ShareGiven,
                _ => Status::UnsealFailed,
            },
            Self::Daemon(DaemonError::Key(KeyError::WrongPassphrase | KeyError::WrongKey)) => {
                Status::OpenerWrong
            }
            Self::Daemon(_) => Status::UnsealFailed,
        }
    }
}
