//! Pages by kind and number in one column: the kind stands above 32 bits.

use super::super::{PageKind, StoreError};

/// The key of a page.
pub(super) fn id(kind: PageKind, number: u32) -> i64 {
    i64::from(kind.number()) << 32 | i64::from(number)
}

/// The page of a key.
pub(super) fn of_id(id: i64) -> Result<(PageKind, u32), StoreError> {
    let kind = PageKind::ALL.into_iter().find(|kind| i64::from(kind.number()) == id >> 32);
    match (kind, u32::try_from(id & 0xFFFF_FFFF)) {
        (Some(kind), Ok(number)) => Ok((kind, number)),
        _ => Err(StoreError::Corrupt("a page is of no known kind")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_no_others() {
        for kind in PageKind::ALL {
            for number in [0, 1, u32::MAX] {
                assert_eq!(of_id(id(kind, number)), Ok((kind, number)));
            }
        }
        for unknown in [0, -1, 3 << 32, i64::MAX, i64::MIN] {
            assert!(of_id(unknown).is_err(), "{unknown}");
        }
    }
}
