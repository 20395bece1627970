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
    // None is said by no bytes at all, so that a keyring has one form.
    if count == 0 {
        return Err(KeyError::Length);
    }
    if count > MAX_LISTED {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with a label, as one that is stored looks.
    fn block(label: &str, is_active: bool) -> Vec<u8> {
        let mut bytes = include_bytes!("../../../fuzz/corpus/key_block/import").to_vec();
        assert_eq!(bytes[32], 9, "the label's length is not where it was");
        bytes[19] = if is_active { 1 } else { 3 };
        bytes[32] = u8::try_from(label.len()).unwrap();
        bytes[33..65].fill(0);
        bytes[33..33 + label.len()].copy_from_slice(label.as_bytes());
        bytes
    }

    fn listed(count: usize, blocks: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut bytes = u16::try_from(count).unwrap().to_be_bytes().to_vec();
        for block in blocks {
            bytes.extend_from_slice(&u16::try_from(block.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(&block);
        }
        bytes
    }

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let bytes = listed(2, [block("a", true), block("b", false)].into_iter());
        let mut again = Vec::new();
        write(&mut again, &read(&bytes).unwrap());
        assert_eq!(again, bytes);
        assert_eq!(read(&[]), Ok(Vec::new()));
        assert_eq!(read(&[0, 0]), Err(KeyError::Length));
    }

    #[test]
    fn a_label_twice_and_too_many_are_refused() {
        let twice = listed(2, [block("a", true), block("a", false)].into_iter());
        assert_eq!(read(&twice), Err(KeyError::DuplicateLabel));
        let many = |active: usize, count: usize| {
            read(&listed(count, (0..count).map(|nth| block(&format!("k-{nth}"), nth < active))))
        };
        assert!(many(MAX_IMPORTED, MAX_IMPORTED + 1).is_ok() && many(0, MAX_LISTED).is_ok());
        assert_eq!(many(MAX_IMPORTED + 1, MAX_IMPORTED + 1), Err(KeyError::TooManyImported));
        assert_eq!(many(0, MAX_LISTED + 1), Err(KeyError::TooManyImported));
    }
}
