//! Dual control: what one admin proposes, another must approve, in time.
//!
//! An approval is of a digest over all of a proposal: what is wanted, who wants it,
//! and a random value, so that it is of this proposal and of no other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::crypto::{Random, TransientMac};
use crate::wire::{Digest, ProposalReport, Status, Wanted};

/// How long a proposal waits for its approval, and an approved one for being carried
/// out or gone on with.
const WINDOW: Duration = Duration::from_secs(900);
/// Most proposals at a time.
const MOST: usize = 16;

/// What is proposed and not carried out yet.
#[derive(Default)]
pub struct Control(Mutex<Vec<Proposal>>);

struct Proposal {
    wanted: Wanted,
    digest: Digest,
    by: String,
    approved_by: Option<String>,
    until: Instant,
}

impl Control {
    /// Proposes an operation.
    ///
    /// # Errors
    /// [`Status::Busy`] if too many are proposed; [`Status::Stopped`] without random
    /// bytes.
    pub fn propose(
        &self,
        random: &dyn Random,
        by: &str,
        wanted: Wanted,
        now: Instant,
    ) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        if proposals.len() >= MOST {
            return Err(Status::Busy);
        }
        let mut nonce = [0; 32];
        random.fill(&mut nonce).map_err(|_| Status::Stopped)?;
        let digest = digest(&nonce, by, &wanted);
        let proposal = Proposal { wanted, digest, by: by.to_owned(), approved_by: None, until: now + WINDOW };
        let report = proposal.report(now);
        proposals.push(proposal);
        Ok(report)
    }

    /// Approves what another admin proposed.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`]; [`Status::ProposalOwn`].
    pub fn approve(&self, digest: &Digest, by: &str, now: Instant) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        if proposal.by == by {
            return Err(Status::ProposalOwn);
        }
        if proposal.approved_by.is_none() {
            proposal.approved_by = Some(by.to_owned());
            proposal.until = now + WINDOW;
        }
        Ok(proposal.report(now))
    }

    /// Takes a proposal back.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`].
    pub fn withdraw(&self, digest: &Digest, now: Instant) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let report = find(&mut proposals, digest)?.report(now);
        proposals.retain(|proposal| proposal.digest != report.digest);
        Ok(report)
    }

    /// What is proposed, the oldest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<ProposalReport> {
        self.current(now).iter().map(|proposal| proposal.report(now)).collect()
    }

    /// The proposal that `by` made and another approved: it may be carried out, and
    /// for as long again from now on be gone on with.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`]; [`Status::ProposalOfAnother`];
    /// [`Status::ProposalOpen`] if it is not approved.
    pub fn approved(&self, digest: &Digest, by: &str, now: Instant) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        if proposal.by != by {
            return Err(Status::ProposalOfAnother);
        }
        if proposal.approved_by.is_none() {
            return Err(Status::ProposalOpen);
        }
        proposal.until = now + WINDOW;
        Ok(proposal.report(now))
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Those that have not expired.
    fn current(&self, now: Instant) -> MutexGuard<'_, Vec<Proposal>> {
        let mut proposals = self.lock();
        proposals.retain(|proposal| now < proposal.until);
        proposals
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Proposal>> {
        // Each change to the list is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proposal {
    fn report(&self, now: Instant) -> ProposalReport {
        ProposalReport {
            wanted: self.wanted.clone(),
            digest: self.digest,
            proposed_by: self.by.clone(),
            approved_by: self.approved_by.clone(),
            expires_in: self.until.duration_since(now).as_secs(),
        }
    }
}

fn find<'p>(proposals: &'p mut [Proposal], digest: &Digest) -> Result<&'p mut Proposal, Status> {
    let same = |proposal: &&mut Proposal| bool::from(proposal.digest.ct_eq(digest));
    proposals.iter_mut().find(same).ok_or(Status::ProposalUnknown)
}

/// `HMAC-SHA-256(random, "tallystick/v1/proposal" || operation, purpose, version,
/// requestor and peer, each with its length (2) before it)`.
fn digest(nonce: &[u8; 32], by: &str, wanted: &Wanted) -> Digest {
    let (purpose, version, trid) = match wanted {
        Wanted::DestroyKey { purpose, version } => (purpose.clone(), version.to_string(), String::new()),
        Wanted::DetokenizeAll { trid } => {
            (String::new(), String::new(), trid.map_or(String::new(), |trid| trid.to_string()))
        }
    };
    let parts = [wanted.operation(), &purpose, &version, &trid, by];
    let length = |part: &str| u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
    let text: Vec<u8> = parts.iter().flat_map(|part| length(part).into_iter().chain(part.bytes())).collect();
    *TransientMac::new(nonce).mac(&[b"tallystick/v1/proposal", &text]).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use crate::types::KeyVersion;

    fn wanted(version: u8) -> Wanted {
        Wanted::DestroyKey { purpose: "pan-sealing".into(), version: KeyVersion::new(version).unwrap() }
    }

    #[test]
    fn only_another_admin_approves_and_only_who_proposed_carries_out() {
        let (control, now) = (Control::default(), Instant::now());
        let made = control.propose(&SystemRandom, "anna", wanted(1), now).unwrap();
        let digest = made.digest;
        assert_eq!(control.approved(&digest, "anna", now), Err(Status::ProposalOpen));
        assert_eq!(control.approve(&digest, "anna", now), Err(Status::ProposalOwn));
        assert_eq!(control.approve(&[0; 32], "ben", now), Err(Status::ProposalUnknown));
        assert_eq!(control.approve(&digest, "ben", now).unwrap().approved_by.as_deref(), Some("ben"));
        // A third one changes nothing of who approved.
        assert_eq!(control.approve(&digest, "carl", now).unwrap().approved_by.as_deref(), Some("ben"));
        assert_eq!(control.approved(&digest, "ben", now), Err(Status::ProposalOfAnother));
        assert_eq!(control.approved(&digest, "anna", now).unwrap().wanted, wanted(1));
        control.withdraw(&digest, now).unwrap();
        assert_eq!(control.approved(&digest, "anna", now), Err(Status::ProposalUnknown));
    }

    #[test]
    fn the_same_wish_twice_has_two_digests() {
        let (control, now) = (Control::default(), Instant::now());
        let one = control.propose(&SystemRandom, "anna", wanted(1), now).unwrap();
        control.approve(&one.digest, "ben", now).unwrap();
        let other = control.propose(&SystemRandom, "anna", wanted(1), now).unwrap();
        assert_eq!(control.approved(&other.digest, "anna", now), Err(Status::ProposalOpen));
        let nonce = [7; 32];
        let all = [
            digest(&nonce, "anna", &wanted(1)),
            digest(&nonce, "anna", &wanted(2)),
            digest(&nonce, "ben", &wanted(1)),
            digest(&nonce, "anna", &Wanted::DetokenizeAll { trid: None }),
            digest(&[8; 32], "anna", &wanted(1)),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn it_ends_in_time_and_there_are_not_too_many() {
        let (control, begun) = (Control::default(), Instant::now());
        let later = |seconds| begun + Duration::from_secs(seconds);
        let made = control.propose(&SystemRandom, "anna", wanted(1), begun).unwrap();
        assert_eq!((made.expires_in, control.list(later(899)).len()), (900, 1));
        assert_eq!(control.approve(&made.digest, "ben", later(900)), Err(Status::ProposalUnknown));
        let made = control.propose(&SystemRandom, "anna", wanted(1), begun).unwrap();
        control.approve(&made.digest, "ben", later(899)).unwrap();
        // Approved, and then gone on with, it lasts as long again.
        control.approved(&made.digest, "anna", later(1798)).unwrap();
        control.approved(&made.digest, "anna", later(2697)).unwrap();
        assert_eq!(control.approved(&made.digest, "anna", later(3597)), Err(Status::ProposalUnknown));
        for _ in 0..MOST {
            control.propose(&SystemRandom, "anna", wanted(1), begun).unwrap();
        }
        assert_eq!(control.propose(&SystemRandom, "ben", wanted(1), begun), Err(Status::Busy));
        control.clear();
        assert!(control.list(begun).is_empty());
    }
}
