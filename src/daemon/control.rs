//! Dual control: what one admin proposes, another must approve, in time.
//!
//! An approval is of a digest over all of a proposal: what is wanted, who wants it,
//! and a random value, so that it is of this proposal and of no other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::command::Caller;
use crate::crypto::{Random, TransientMac};
use crate::wire::{Digest, ProposalReport, Status, Wanted};

/// How long a proposal waits for its approval, and an approved one for being carried
/// out.
const WINDOW: Duration = Duration::from_secs(900);
/// How long all PANs may be read, from the first page on.
const READING: Duration = Duration::from_secs(3600);
/// Most proposals at a time.
const MOST: usize = 16;

/// What is proposed and not carried out yet.
#[derive(Default)]
pub struct Control(Mutex<Vec<Proposal>>);

struct Proposal {
    wanted: Wanted,
    digest: Digest,
    by: Caller,
    approved_by: Option<Caller>,
    until: Instant,
    /// Where the last page that was asked for began.
    read: Option<Option<u32>>,
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
        by: &Caller,
        wanted: Wanted,
        now: Instant,
    ) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        if proposals.len() >= MOST {
            return Err(Status::Busy);
        }
        let mut nonce = [0; 32];
        random.fill(&mut nonce).map_err(|_| Status::Stopped)?;
        let digest = digest(&nonce, by.name(), &wanted);
        let (by, until) = (by.clone(), now + WINDOW);
        let proposal = Proposal { wanted, digest, by, approved_by: None, until, read: None };
        let report = proposal.report(now);
        proposals.push(proposal);
        Ok(report)
    }

    /// Approves what another admin proposed, who is another user too.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`]; [`Status::ProposalOwn`].
    pub fn approve(&self, digest: &Digest, by: &Caller, now: Instant) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        if proposal.by.may_be(by) {
            return Err(Status::ProposalOwn);
        }
        if proposal.approved_by.is_none() {
            proposal.approved_by = Some(by.clone());
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

    /// The proposal that `by` made and another approved: it may be carried out.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`]; [`Status::ProposalOfAnother`];
    /// [`Status::ProposalOpen`] if it is not approved.
    pub fn approved(&self, digest: &Digest, by: &Caller, now: Instant) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        proposal.check_approved(by)?;
        Ok(proposal.report(now))
    }

    /// The same for the page behind `after` of all PANs. The first page sets the end
    /// once and for all, and no page is read twice: one that failed is over too.
    ///
    /// # Errors
    /// As [`approved`](Self::approved); [`Status::ProposalUnknown`] too if it is of
    /// something else, or was read beyond `after`.
    pub fn read_on(
        &self,
        digest: &Digest,
        by: &Caller,
        after: Option<u32>,
        now: Instant,
    ) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        proposal.check_approved(by)?;
        let is_reading = matches!(proposal.wanted, Wanted::DetokenizeAll { .. });
        if !is_reading || proposal.read.is_some_and(|last| after <= last) {
            return Err(Status::ProposalUnknown);
        }
        if proposal.read.replace(after).is_none() {
            proposal.until = now + READING;
        }
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
    /// Whether `by` proposed it and another approved it.
    fn check_approved(&self, by: &Caller) -> Result<(), Status> {
        if self.by != *by {
            return Err(Status::ProposalOfAnother);
        }
        self.approved_by.as_ref().map(|_| ()).ok_or(Status::ProposalOpen)
    }

    fn report(&self, now: Instant) -> ProposalReport {
        ProposalReport {
            wanted: self.wanted.clone(),
            digest: self.digest,
            proposed_by: self.by.name().to_owned(),
            approved_by: self.approved_by.as_ref().map(|by| by.name().to_owned()),
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
    use crate::command::Roles;
    use crate::crypto::SystemRandom;
    use crate::types::KeyVersion;

    fn wanted(version: u8) -> Wanted {
        Wanted::DestroyKey { purpose: "pan-sealing".into(), version: KeyVersion::new(version).unwrap() }
    }

    fn caller(name: &str, uid: u32) -> Caller {
        Caller::new(name, Roles::default(), None).of_user(uid)
    }

    fn anna() -> Caller {
        caller("anna", 1)
    }

    fn ben() -> Caller {
        caller("ben", 2)
    }

    #[test]
    fn only_another_admin_approves_and_only_who_proposed_carries_out() {
        let (control, now) = (Control::default(), Instant::now());
        let made = control.propose(&SystemRandom, &anna(), wanted(1), now).unwrap();
        let digest = made.digest;
        assert_eq!(control.approved(&digest, &anna(), now), Err(Status::ProposalOpen));
        assert_eq!(control.approve(&digest, &anna(), now), Err(Status::ProposalOwn));
        assert_eq!(control.approve(&[0; 32], &ben(), now), Err(Status::ProposalUnknown));
        assert_eq!(control.approve(&digest, &ben(), now).unwrap().approved_by.as_deref(), Some("ben"));
        // A third one changes nothing of who approved.
        assert_eq!(
            control.approve(&digest, &caller("carl", 3), now).unwrap().approved_by.as_deref(),
            Some("ben")
        );
        assert_eq!(control.approved(&digest, &ben(), now), Err(Status::ProposalOfAnother));
        assert_eq!(control.approved(&digest, &anna(), now).unwrap().wanted, wanted(1));
        control.withdraw(&digest, now).unwrap();
        assert_eq!(control.approved(&digest, &anna(), now), Err(Status::ProposalUnknown));
    }

    #[test]
    fn the_same_wish_twice_has_two_digests() {
        let (control, now) = (Control::default(), Instant::now());
        let one = control.propose(&SystemRandom, &anna(), wanted(1), now).unwrap();
        control.approve(&one.digest, &ben(), now).unwrap();
        let other = control.propose(&SystemRandom, &anna(), wanted(1), now).unwrap();
        assert_eq!(control.approved(&other.digest, &anna(), now), Err(Status::ProposalOpen));
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
    fn one_user_with_two_names_is_one_admin() {
        let (control, now) = (Control::default(), Instant::now());
        let digest = control.propose(&SystemRandom, &anna(), wanted(1), now).unwrap().digest;
        assert_eq!(control.approve(&digest, &caller("ben", 1), now), Err(Status::ProposalOwn));
        assert_eq!(control.approve(&digest, &caller("anna", 2), now), Err(Status::ProposalOwn));
        let nobody = Caller::new("ben", Roles::default(), None);
        assert_eq!(control.approve(&digest, &nobody, now), Err(Status::ProposalOwn));
        control.approve(&digest, &ben(), now).unwrap();
        let other = caller("anna", 2);
        assert_eq!(control.approved(&digest, &other, now), Err(Status::ProposalOfAnother));
    }

    #[test]
    fn all_pans_are_read_forward_only_and_within_an_hour_of_the_first() {
        let (control, begun) = (Control::default(), Instant::now());
        let later = |seconds| begun + Duration::from_secs(seconds);
        let wanted = Wanted::DetokenizeAll { trid: None };
        let digest = control.propose(&SystemRandom, &anna(), wanted, begun).unwrap().digest;
        assert_eq!(control.read_on(&digest, &anna(), None, begun), Err(Status::ProposalOpen));
        control.approve(&digest, &ben(), begun).unwrap();
        assert_eq!(control.read_on(&digest, &ben(), None, begun), Err(Status::ProposalOfAnother));
        let read =
            |after, at: u64| control.read_on(&digest, &anna(), after, later(at)).map(|told| told.expires_in);
        assert_eq!(read(None, 899), Ok(3600));
        // What was read, or passed over, is not read again.
        for (after, again) in [(9, Some(9)), (20, Some(15)), (21, None)] {
            assert_eq!(read(Some(after), 1000), Ok(3499));
            assert_eq!(read(again, 1000), Err(Status::ProposalUnknown));
        }
        // However often it is gone on with, its end stays.
        assert_eq!((read(Some(30), 4000), read(Some(31), 4498)), (Ok(499), Ok(1)));
        assert_eq!(read(Some(32), 4499), Err(Status::ProposalUnknown));
    }

    #[test]
    fn what_is_no_reading_is_not_read() {
        let (control, now) = (Control::default(), Instant::now());
        let digest = control.propose(&SystemRandom, &anna(), wanted(1), now).unwrap().digest;
        control.approve(&digest, &ben(), now).unwrap();
        assert_eq!(control.read_on(&digest, &anna(), None, now), Err(Status::ProposalUnknown));
    }

    #[test]
    fn it_ends_in_time_and_there_are_not_too_many() {
        let (control, begun) = (Control::default(), Instant::now());
        let later = |seconds| begun + Duration::from_secs(seconds);
        let made = control.propose(&SystemRandom, &anna(), wanted(1), begun).unwrap();
        assert_eq!((made.expires_in, control.list(later(899)).len()), (900, 1));
        assert_eq!(control.approve(&made.digest, &ben(), later(900)), Err(Status::ProposalUnknown));
        let made = control.propose(&SystemRandom, &anna(), wanted(1), begun).unwrap();
        control.approve(&made.digest, &ben(), later(899)).unwrap();
        // Approved, it lasts as long again, and no longer for being asked about.
        control.approved(&made.digest, &anna(), later(1798)).unwrap();
        assert_eq!(control.approved(&made.digest, &anna(), later(1799)), Err(Status::ProposalUnknown));
        for _ in 0..MOST {
            control.propose(&SystemRandom, &anna(), wanted(1), begun).unwrap();
        }
        assert_eq!(control.propose(&SystemRandom, &ben(), wanted(1), begun), Err(Status::Busy));
        control.clear();
        assert!(control.list(begun).is_empty());
    }
}
