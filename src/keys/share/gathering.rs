//! Shares that come in one by one.

use super::{Share, ShareError, Splitting};
use crate::crypto::{LoadedKey, Root};
use crate::keys::shamir;
use crate::secmem::{MAC_STACK, Region, scrubbed};

/// The shares of one splitting that were given so far. Wiped on drop.
#[derive(Debug)]
pub struct Gathering {
    splitting: Splitting,
    shares: Vec<Share>,
}

impl Gathering {
    /// None given yet.
    #[must_use]
    pub const fn new(splitting: Splitting) -> Self {
        Self { splitting, shares: Vec::new() }
    }

    /// Takes a share. One that is refused loses nothing.
    ///
    /// # Errors
    /// [`ShareError::AnotherSplitting`], [`ShareError::Wrong`] or
    /// [`ShareError::GivenAlready`], each with the share's number.
    pub fn give(&mut self, share: Share) -> Result<(), ShareError> {
        self.splitting.check(&share)?;
        if self.given().any(|number| number == share.number) {
            return Err(ShareError::GivenAlready(share.number));
        }
        self.shares.push(share);
        Ok(())
    }

    /// The numbers of the shares given, in the order in which they came.
    pub fn given(&self) -> impl Iterator<Item = u8> {
        self.shares.iter().map(Share::number)
    }

    /// What they are shares of.
    #[must_use]
    pub const fn splitting(&self) -> &Splitting {
        &self.splitting
    }

    /// The wrapping key, once enough were given.
    ///
    /// # Errors
    /// [`ShareError::Crypto`].
    pub fn key(&self, region: &Region) -> Result<Option<LoadedKey<Root>>, ShareError> {
        let needed = usize::from(self.splitting.threshold());
        let Some(enough) = self.shares.get(..needed) else { return Ok(None) };
        let numbered: Vec<_> = enough.iter().map(|share| (share.number, &share.value)).collect();
        Ok(Some(scrubbed::<MAC_STACK, _>(|| shamir::combine(region, &numbered))?))
    }
}
