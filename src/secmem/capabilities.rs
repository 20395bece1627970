//! Capabilities, and giving them up.

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::HardenError;

/// Gives up every capability of the calling thread but `kept`, in every set, so
/// that no bug and no `exec` brings one back. It holds for the threads that it starts
/// afterwards, so each thread that was there before must call this too.
///
/// A thread that has none has none to give up: what it could not get back, it left
/// when it gave up `CAP_SETPCAP`.
///
/// Without `CAP_SETPCAP` the bounding set stays: it bounds what `exec` may give,
/// and with no-new-privileges that is nothing.
///
/// # Errors
/// [`HardenError::Capabilities`].
pub fn give_up_capabilities(kept: CapabilitySet) -> Result<(), HardenError> {
    let had = capabilities(None).map_err(HardenError::Capabilities)?;
    if (had.effective | had.permitted | had.inheritable).is_empty() {
        return Ok(());
    }
    for bit in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // There are no more capabilities; or it is not ours to change.
            Err(Errno::INVAL | Errno::PERM) => break,
            Err(errno) => return Err(HardenError::Capabilities(errno)),
        }
    }
    clear_ambient_capability_set().map_err(HardenError::Capabilities)?;
    let (effective, permitted) = (had.effective & kept, had.permitted & kept);
    let left = CapabilitySets { effective, permitted, inheritable: CapabilitySet::empty() };
    set_capabilities(None, left).map_err(HardenError::Capabilities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secmem::child::{self, Outcome};

    #[test]
    fn none_is_left_and_none_comes_back() {
        let outcome = child::run(|| {
            give_up_capabilities(CapabilitySet::CHOWN).unwrap();
            let left = capabilities(None).unwrap();
            assert_eq!(left.permitted & !CapabilitySet::CHOWN, CapabilitySet::empty());
            give_up_capabilities(CapabilitySet::empty()).unwrap();
            let left = capabilities(None).unwrap();
            assert!((left.effective | left.permitted | left.inheritable).is_empty());
            let all = CapabilitySet::CHOWN;
            let sets = CapabilitySets { effective: all, permitted: all, inheritable: all };
            assert_eq!(set_capabilities(None, sets), Err(Errno::PERM));
            // And once more does no harm.
            give_up_capabilities(CapabilitySet::empty()).unwrap();
        });
        assert_eq!(outcome, Outcome::Done);
    }
}
