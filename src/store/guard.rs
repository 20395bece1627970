//! Keeps a store that failed once from being used again.

use super::StoreError;

/// Lets calls through until one of the writing ones has failed.
#[derive(Debug, Default)]
pub(super) struct Guard {
    poisoned: bool,
}

impl Guard {
    /// Refuses if an earlier write failed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.poisoned { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    /// Runs `write` unless an earlier one failed; if this one fails, no later one runs.
    pub(super) fn write<T>(
        &mut self,
        write: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check()?;
        // Poisoned until it is known to have succeeded, so that a panic poisons too.
        self.poisoned = true;
        let done = write()?;
        self.poisoned = false;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_write_ends_all() {
        let mut guard = Guard::default();
        assert_eq!(guard.write(|| Ok(1)), Ok(1));
        assert_eq!(guard.check(), Ok(()));
        assert_eq!(guard.write(|| Err::<u8, _>(StoreError::Full)), Err(StoreError::Full));
        assert_eq!(guard.write(|| Ok(2)), Err(StoreError::Poisoned));
        assert_eq!(guard.check(), Err(StoreError::Poisoned));
    }

    #[test]
    fn a_panic_poisons() {
        let mut guard = Guard::default();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            guard.write(|| -> Result<(), StoreError> { panic!("in the middle of a write") })
        }));
        assert!(panicked.is_err());
        assert_eq!(guard.check(), Err(StoreError::Poisoned));
    }
}
