//! Which pages to write beside a group, so that the journal stays short.
//!
//! A cursor goes round all pages: those of tokens, in their order, then those
//! of counters. With each group it goes on by as much as the
//! group adds to what a start has to replay, and every page that it meets and that changed is
//! written. When it has been round, no page lacks anything that was decided
//! before it set out, so the journal before that is needed no more. There is no
//! moment at which everything is written at once: a checkpoint costs each group
//! its share, and cannot be seen.

use super::book::Book;
use super::page;
use crate::store::{GroupNumber, Page, PageKind, TokenSlot};

/// Most pages written with one group, 4 MiB.
const AT_ONCE: u64 = 1024;

/// Where a round begins.
const START: (PageKind, usize) = (PageKind::Tokens, 0);

/// The pages that changed, and how far the cursor has come.
#[derive(Debug)]
pub(super) struct Checkpoint {
    changed: [Bits; 2],
    /// The page that comes next.
    cursor: (PageKind, usize),
    /// What groups have added to the journal and the cursor has not gone yet:
    /// bytes times pages.
    owed: u64,
    /// The group at which the cursor set out.
    set_out: GroupNumber,
    /// The first group whose effects a page may lack.
    first: GroupNumber,
    /// The journal's limit in bytes: one round takes half of it.
    limit: u64,
}

impl Checkpoint {
    pub const fn new(limit: u64) -> Self {
        let first = GroupNumber(1);
        Self { changed: [Bits::NONE; 2], cursor: START, owed: 0, set_out: first, first, limit }
    }

    /// Goes on after a start: pages may lack the groups from `first` on.
    pub const fn resume(&mut self, first: GroupNumber) {
        self.first = first;
    }

    /// Says that the page of a slot changed.
    pub fn touch(&mut self, kind: PageKind, slot: TokenSlot) {
        self.bits(kind).set(page::of(slot.0));
    }

    /// The first group whose effects a page may lack.
    pub const fn first(&self) -> GroupNumber {
        self.first
    }

    /// Says that another node wrote these pages, and which group it kept first.
    pub fn followed(&mut self, pages: impl Iterator<Item = (PageKind, u32)>, first: GroupNumber) {
        for (kind, number) in pages {
            self.bits(kind).take(number);
        }
        // What that node has written round and round, this one need not keep.
        self.first = self.first.max(first);
    }

    /// The pages to be written with the group `number`, which adds `bytes` to
    /// what a start replays. The book must be as of that group.
    pub fn advance(&mut self, book: &Book, number: GroupNumber, bytes: u64) -> Vec<Page> {
        let mut pages = Vec::new();
        let count = page::count(book.len());
        let round = u64::try_from(2 * count).unwrap_or(u64::MAX);
        let tokens = u64::try_from(book.len()).unwrap_or(u64::MAX);
        // The counters are rewritten once a round: it must not cost more than the journal.
        let budget = (self.limit.max(tokens.saturating_mul(16)) / 2).max(1);
        self.owed = self.owed.saturating_add(bytes.saturating_mul(round));
        let steps = (self.owed / budget).min(round).min(AT_ONCE);
        self.owed = self.owed.saturating_sub(steps * budget).min(budget.saturating_mul(round));
        for _ in 0..steps {
            pages.extend(self.step(book, count, number));
        }
        pages
    }

    /// Goes on by one page, of `count` of each kind.
    fn step(&mut self, book: &Book, count: usize, number: GroupNumber) -> Option<Page> {
        if self.cursor == START {
            self.set_out = number;
        }
        // Pages that come while the cursor is among the counters wait for the next
        // round, so that no token page is ever written before one that lies below it.
        let (kind, at) = self.cursor;
        let next = at.saturating_add(1);
        self.cursor = match kind {
            _ if next < count => (kind, next),
            PageKind::Tokens => (PageKind::Counters, 0),
            PageKind::Counters => {
                self.first = GroupNumber(self.set_out.0.saturating_add(1));
                START
            }
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let changed = self.bits(kind).take(at);
        changed.then(|| Page { kind, number: at, body: page::encode(kind, book.page(at)) })
    }

    const fn bits(&mut self, kind: PageKind) -> &mut Bits {
        let [tokens, counters] = &mut self.changed;
        match kind {
            PageKind::Tokens => tokens,
            PageKind::Counters => counters,
        }
    }
}

/// A set of page numbers.
#[derive(Debug)]
struct Bits(Vec<u64>);

impl Bits {
    const NONE: Self = Self(Vec::new());

    fn set(&mut self, number: u32) {
        let (word, bit) = (usize::try_from(number / 64).unwrap_or(usize::MAX), number % 64);
        if word >= self.0.len() {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    /// Takes a number out. Whether it was in.
    fn take(&mut self, number: u32) -> bool {
        let (word, bit) = (usize::try_from(number / 64).unwrap_or(usize::MAX), number % 64);
        let Some(word) = self.0.get_mut(word) else { return false };
        let was = *word & (1 << bit) != 0;
        *word &= !(1 << bit);
        was
    }
}

#[cfg(test)]
mod tests {
    use super::super::book::Entry;
    use super::*;
    use crate::store::CounterMove;
    use crate::types::{Counters, Expiry, TokenNumber, TokenStatus};
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};

    /// What a store would hold.
    #[derive(Default)]
    struct Durable {
        tokens: HashMap<u32, usize>,
        counters: HashMap<u32, Vec<Counters>>,
        journal: Vec<(GroupNumber, Vec<TokenSlot>, Vec<CounterMove>)>,
    }

    impl Durable {
        fn write(&mut self, page: &Page) {
            match page.kind {
                PageKind::Tokens => {
                    self.tokens.insert(page.number, page::tokens(&page.body).unwrap().count());
                }
                PageKind::Counters => {
                    self.counters.insert(page.number, page::counters(&page.body).unwrap().collect());
                }
            }
        }

        /// Pages and the journal from `first` on give every token and counter back.
        fn check(&self, first: GroupNumber, book: &Book) {
            let kept = || self.journal.iter().filter(|(number, ..)| *number >= first);
            let rows: HashSet<_> = kept().flat_map(|(_, rows, _)| rows).collect();
            let mut moves: HashMap<_, Vec<_>> = HashMap::new();
            kept()
                .flat_map(|(_, _, moves)| moves)
                .for_each(|one| moves.entry(one.slot).or_default().push(one.atc));
            let at = |slot: u32| usize::try_from(slot).unwrap() % page::SLOTS;
            for slot in 0..u32::try_from(book.len()).unwrap() {
                let page = page::of(slot);
                let stored = self.tokens.get(&page).is_some_and(|count| at(slot) < *count);
                let lacks_all =
                    page > 0 && !self.tokens.contains_key(&(page - 1)) && self.tokens.contains_key(&page);
                assert!(!lacks_all, "a whole page is missing before another");
                let added = rows.contains(&TokenSlot(slot));
                assert!(stored || added, "token {slot} is lost");
                let mut counters =
                    self.counters.get(&page).and_then(|page| page.get(at(slot))).copied().unwrap_or_default();
                for atc in moves.get(&TokenSlot(slot)).into_iter().flatten() {
                    counters.replay_issue(*atc);
                }
                assert_eq!(counters, book.get(TokenSlot(slot)).unwrap().counters, "slot {slot}");
            }
        }
    }

    fn push(book: &mut Book, checkpoint: &mut Checkpoint) -> TokenSlot {
        let token = TokenNumber::from_parts(u64::try_from(book.len()).unwrap(), 16).unwrap();
        let entry = Entry::new(token, 0, Expiry::parse(b"2912").unwrap(), 0, TokenStatus::Active);
        let slot = book.push(entry).unwrap();
        checkpoint.touch(PageKind::Tokens, slot);
        slot
    }

    /// Some tokens, now and then several pages of them.
    fn added() -> impl Strategy<Value = usize> {
        prop_oneof![8 => 0..60usize, 1 => 0..1500usize]
    }

    #[test]
    fn a_number_is_taken_once() {
        let mut bits = Bits::NONE;
        let numbers = [0, 5, 63, 64, 200];
        numbers.into_iter().for_each(|number| bits.set(number));
        let mut taken = || (0..300).filter(|number| bits.take(*number)).collect::<Vec<_>>();
        assert_eq!(taken(), numbers);
        assert!(taken().is_empty());
    }

    #[test]
    fn what_was_written_here_or_by_another_node_is_not_written_again() {
        // So much that the cursor goes round with every group.
        const MUCH: u64 = 1 << 40;
        let (mut book, mut checkpoint) = (Book::new(), Checkpoint::new(1));
        for _ in 0..3 * page::SLOTS {
            let slot = push(&mut book, &mut checkpoint);
            checkpoint.touch(PageKind::Counters, slot);
        }
        let mut numbers = (1..).map(GroupNumber);
        let mut written = |checkpoint: &mut Checkpoint| {
            let number = numbers.next().unwrap();
            let pages = checkpoint.advance(&book, number, MUCH);
            assert_eq!(checkpoint.first(), GroupNumber(number.0 + 1));
            pages.iter().map(|page| (page.kind, page.number)).collect::<Vec<_>>()
        };
        let all: Vec<_> =
            PageKind::ALL.into_iter().flat_map(|kind| (0..3).map(move |number| (kind, number))).collect();
        assert_eq!(written(&mut checkpoint), all);
        assert_eq!(written(&mut checkpoint), []);
        checkpoint.touch(PageKind::Counters, TokenSlot(300));
        checkpoint.touch(PageKind::Tokens, TokenSlot(500));
        checkpoint.followed([(PageKind::Tokens, 2)].into_iter(), GroupNumber(2));
        assert_eq!(written(&mut checkpoint), [(PageKind::Counters, 1)]);
        checkpoint.followed([].into_iter(), GroupNumber(77));
        assert_eq!(checkpoint.first(), GroupNumber(77));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn nothing_is_lost_and_the_journal_stays_short(
            groups in prop::collection::vec((added(), prop::collection::vec(any::<u32>(), 0..40)), 1..60),
        ) {
            const LIMIT: u64 = 6_000;
            let mut book = Book::new();
            let mut checkpoint = Checkpoint::new(LIMIT);
            let mut durable = Durable::default();
            for (number, (tokens, picks)) in (1..).map(GroupNumber).zip(groups) {
                let rows: Vec<_> = (0..tokens).map(|_| push(&mut book, &mut checkpoint)).collect();
                let mut moves = Vec::new();
                let len = book.len();
                for pick in picks.iter().filter(|_| len > 0) {
                    let slot = TokenSlot(pick % u32::try_from(len).unwrap());
                    let atc = book.get_mut(slot).unwrap().counters.issue().unwrap();
                    checkpoint.touch(PageKind::Counters, slot);
                    moves.push(CounterMove { slot, atc });
                }
                let bytes = 56 + 8 * u64::try_from(moves.len()).unwrap();
                let pages = checkpoint.advance(&book, number, bytes);
                pages.iter().for_each(|page| durable.write(page));
                durable.journal.push((number, rows, moves));
                durable.check(checkpoint.first(), &book);
                let kept = durable.journal.iter().filter(|(number, ..)| *number >= checkpoint.first());
                let kept: u64 = kept.map(|(_, _, moves)| 56 + 8 * u64::try_from(moves.len()).unwrap()).sum();
                let limit = LIMIT.max(16 * u64::try_from(book.len()).unwrap());
                prop_assert!(kept <= limit + limit / 2, "{kept} bytes of journal, limit {limit}");
            }
        }
    }
}
