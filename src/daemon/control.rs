//! Dual control: what one admin proposes, another must approve, in time.
//!
//! An approval is of a digest over all of a proposal: what is wanted, who wants it,
//! and a random value, so that it is of this proposal and of no other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use super::of_import;
use crate::command::Caller;
use crate::crypto::{KeyAlgorithm, Random, TransientMac};
use crate::keys::{CheckValue, Components};
use crate::secmem::Region;
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
    /// The components of a key, and who gave them.
    components: Option<Components>,
    givers: Vec<Caller>,
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
        let proposal = Proposal {
            wanted,
            digest,
            by,
            approved_by: None,
            until,
            read: None,
            components: None,
            givers: Vec::new(),
        };
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

    /// Takes the component of a key that is proposed; each custodian gives one.
    ///
    /// # Errors
    /// [`Status::ProposalUnknown`]; [`Status::ComponentGiven`];
    /// [`Status::ComponentMalformed`] or [`Status::KeyCheckValue`] if it was mistyped.
    pub fn give(
        &self,
        digest: &Digest,
        by: &Caller,
        region: Option<&Region>,
        (component, check): (&[u8], CheckValue),
        now: Instant,
    ) -> Result<ProposalReport, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        let Wanted::AssembleKey { algorithm, components: wanted, .. } = &proposal.wanted else {
            return Err(Status::ProposalUnknown);
        };
        let is_full = proposal.givers.len() >= usize::from(*wanted);
        if is_full || proposal.givers.iter().any(|giver| giver.may_be(by)) {
            return Err(Status::ComponentGiven);
        }
        let mut components = match proposal.components.take() {
            Some(components) => components,
            None => {
                let region = region.ok_or(Status::Sealed)?;
                Components::new(region, algorithm_of(algorithm)?).map_err(|error| of_import(&error))?
            }
        };
        let given = components.give(component, check).map_err(|error| of_import(&error));
        proposal.components = Some(components);
        given?;
        proposal.givers.push(by.clone());
        Ok(proposal.report(now))
    }

    /// The components of an approved proposal, all of them. With them it is done.
    ///
    /// # Errors
    /// As [`approved`](Self::approved); [`Status::ComponentsMissing`].
    pub fn take_components(&self, digest: &Digest, by: &Caller, now: Instant) -> Result<Components, Status> {
        let mut proposals = self.current(now);
        let proposal = find(&mut proposals, digest)?;
        proposal.check_approved(by)?;
        let Wanted::AssembleKey { components: wanted, .. } = &proposal.wanted else {
            return Err(Status::ProposalUnknown);
        };
        if proposal.givers.len() < usize::from(*wanted) {
            return Err(Status::ComponentsMissing);
        }
        proposal.givers.clear();
        proposal.components.take().ok_or(Status::ComponentsMissing)
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
            given: u8::try_from(self.givers.len()).unwrap_or(u8::MAX),
        }
    }
}

fn find<'p>(proposals: &'p mut [Proposal], digest: &Digest) -> Result<&'p mut Proposal, Status> {
    let same = |proposal: &&mut Proposal| bool::from(proposal.digest.ct_eq(digest));
    proposals.iter_mut().find(same).ok_or(Status::ProposalUnknown)
}

/// The algorithm of this name.
///
/// # Errors
/// [`Status::KeyRefused`].
pub(in crate::daemon) fn algorithm_of(name: &str) -> Result<KeyAlgorithm, Status> {
    KeyAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(Status::KeyRefused)
}

/// `HMAC-SHA-256(random, "tallystick/v1/proposal" || what is wanted, as in its request
/// || peer)`.
fn digest(nonce: &[u8; 32], by: &str, wanted: &Wanted) -> Digest {
    let mut text = Vec::new();
    wanted.encode(&mut text);
    *TransientMac::new(nonce).mac(&[b"tallystick/v1/proposal", &text, by.as_bytes()]).as_bytes()
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
