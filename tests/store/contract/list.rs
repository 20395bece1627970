//! Reading token rows, one by one and by requestor.

use tallystick::store::{Store, TokenSlot};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::sample::{Content, token, trid_of};

held_by_all!(
    a_row_reads_as_last_written,
    a_listing_pages_through_one_requestor,
    a_range_pages_through_all_requestors,
);

fn a_row_reads_as_last_written<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let first = Content { tokens: vec![token(0, 1, 0, b"old"), token(1, 1, 9, b"")], ..Content::default() };
    let second = Content { tokens: vec![token(0, 2, u16::MAX, b"newer")], ..Content::default() };
    store.append(&first.group(1, store.epoch())).unwrap();
    store.append(&second.group(2, store.epoch())).unwrap();
    let (zero, one) = (token(0, 2, u16::MAX, b"newer"), token(1, 1, 9, b""));
    for _ in 0..2 {
        assert_eq!(store.token(TokenSlot(0)), Ok(Some(zero.clone())));
        assert_eq!(store.token(TokenSlot(1)), Ok(Some(one.clone())));
        assert_eq!(store.token(TokenSlot(2)), Ok(None));
        // The row moved to the list of its new requestor.
        assert_eq!(store.tokens_of(trid_of(1), None, 9), Ok(vec![one.clone()]));
        assert_eq!(store.tokens_of(trid_of(2), None, 9), Ok(vec![zero.clone()]));
        drop(store);
        store = fixture.open();
    }
}

fn a_listing_pages_through_one_requestor<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    // Written in descending order, so that ascending is not the order of writing.
    let rows: Vec<_> = (0..20).rev().map(|slot| token(slot, u64::from(slot % 3), 0, &[slot as u8])).collect();
    let content = Content { tokens: rows, ..Content::default() };
    store.append(&content.group(1, store.epoch())).unwrap();
    for limit in [1, 2, 7, usize::MAX] {
        let (mut listed, mut after) = (Vec::new(), None);
        // More pages than there are rows, so that paging that never ends does.
        for _ in 0..30 {
            let page = store.tokens_of(trid_of(1), after, limit).unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.slot);
            listed.extend(page.into_iter().map(|row| row.slot.0));
        }
        assert_eq!(listed, [1, 4, 7, 10, 13, 16, 19], "{limit}");
    }
    assert_eq!(store.tokens_of(trid_of(1), None, 0), Ok(vec![]));
    assert_eq!(store.tokens_of(trid_of(9), None, 5), Ok(vec![]));
    assert_eq!(store.tokens_of(trid_of(1), Some(TokenSlot(u32::MAX)), 5), Ok(vec![]));
}

fn a_range_pages_through_all_requestors<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    assert_eq!(store.tokens_after(None, 5), Ok(vec![]));
    let rows: Vec<_> = (0..20).rev().map(|slot| token(slot, u64::from(slot % 3), 0, &[slot as u8])).collect();
    let content = Content { tokens: rows.clone(), ..Content::default() };
    store.append(&content.group(1, store.epoch())).unwrap();
    let ascending: Vec<_> = rows.into_iter().rev().collect();
    for limit in [1, 7, 20, usize::MAX] {
        let (mut read, mut after) = (Vec::new(), None);
        for _ in 0..30 {
            let range = store.tokens_after(after, limit).unwrap();
            assert!(range.len() <= limit);
            let Some(last) = range.last() else { break };
            after = Some(last.slot);
            read.extend(range);
        }
        assert_eq!(read, ascending, "{limit}");
    }
    assert_eq!(store.tokens_after(None, 0), Ok(vec![]));
    assert_eq!(store.tokens_after(Some(TokenSlot(19)), 5), Ok(vec![]));
    assert_eq!(store.tokens_after(Some(TokenSlot(u32::MAX)), 5), Ok(vec![]));
}
