//! Imported keys in the bytes of a keyring.

use std::collections::BTreeSet;

use crate::keys::{KeyError, MAX_IMPORTED, MAX_LISTED, WrappedImport};

/// Nothing if there is none, so that a keyring without them has the bytes it always had.
pub(super) fn write(bytes: &mut Vec<u8>, imported: &[WrappedImport]) {
    if imported.is_empty() {
        return;
    }
    // At most MAX_LISTED blocks, each of attributes and MAX_OPTIONAL characters.
    let length = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    bytes.extend_from_slice(&length(imported.len()));
    for key in imported {
        let block = key.to_bytes();
        bytes.extend_from_slice(&length(block.len()));
        bytes.extend_from_slice(&block);
    }
}

/// All of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<WrappedImport>, KeyError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (count, mut rest) = bytes.split_first_chunk::<2>().ok_or(KeyError::Length)?;
    let count = usize::from(u16::from_be_bytes(*count));
    if !(1..=MAX_LISTED).contains(&count) {
        return Err(KeyError::TooManyImported);
    }
    let mut imported = Vec::new();
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(KeyError::Length)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (block, behind) = behind.split_at_checked(length).ok_or(KeyError::Length)?;
        imported.push(WrappedImport::from_bytes(block)?);
        rest = behind;
    }
    if !rest.is_empty() {
        return Err(KeyError::Length);
    }
    check(&imported)?;
    Ok(imported)
}

fn check(imported: &[WrappedImport]) -> Result<(), KeyError> {
    let labels: BTreeSet<_> = imported.iter().map(|key| &key.info().label).collect();
    if labels.len() < imported.len() {
        return Err(KeyError::DuplicateLabel);
    }
    let active = imported.iter().filter(|key| key.info().is_active()).count();
    if active > MAX_IMPORTED { Err(KeyError::TooManyImported) } else { Ok(()) }
}
