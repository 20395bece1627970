//! Taking a group that another node appended: what that node decided, this one holds
//! from then on, as if it had decided it.
//!
//! Nothing is taken on trust. The group must chain to the last one under the audit key,
//! its rows be those that it marked, rows and records carry their MACs, and when all of it is in, the pages and cards of
//! this node must have the digest that the other wrote into the group: so two nodes that
//! differ in anything pages hold stop at the first page that shows it.

use super::authentic::Authentic;
use super::records::Records;
use super::{Chain, Engine, Unsealed, page};
use crate::store::journal::{JournalBody, marks};
use crate::store::{Followed, GroupNumber, Page, PageKind, StoreError};

impl Engine<Unsealed> {
    /// Takes a group of another node. Nothing of our own may wait to be committed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not authentic, or this node is not as the other
    /// was. The engine must not be used any more then: it holds a part of the group.
    pub fn follow(&mut self, chain: &mut Chain, followed: Followed<'_>) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a journal body cannot be read");
        let Followed { group, tokens, records, pages } = followed;
        // Before the chain, whose newest link may be under a key that is only there.
        self.state.nodes.look_at(&records)?;
        chain.expect(&group)?;
        let state = &mut self.state;
        if !state.open.is_empty() || group.number != state.number {
            return Err(StoreError::OutOfOrder);
        }
        let body = JournalBody::decode(group.body).map_err(|_| DAMAGED)?;
        // Each row has a MAC, and the group's covers which of them it wrote: neither an older
        // row nor none stands for one.
        if marks(&tokens) != group.marks {
            return Err(StoreError::Corrupt("a group's rows are not those that it wrote"));
        }
        let audit = &chain.keyring().audit;
        // A removal has no body, and no MAC either.
        let opened = |record: crate::store::Record| {
            if record.body.is_none() { Ok(record) } else { record.opened(audit) }
        };
        let records = records.into_iter().map(opened).collect::<Result<Vec<_>, _>>()?;
        let rows = tokens.into_iter().map(|row| row.opened(audit)).collect::<Result<Vec<_>, _>>()?;
        for record in &records {
            state.records().take(record.clone())?;
        }
        for row in rows {
            state.book.take_row(&row)?;
            state.checkpoint.touch(PageKind::Tokens, row.slot);
        }
        state.book.replay(&body, &mut state.checkpoint)?;
        let pages: Vec<Page> = pages.into_iter().map(|(kind, number)| state.page(kind, number)).collect();
        state.checkpoint.followed(pages.iter().map(|page| (page.kind, page.number)), body.standing().first);
        state.number = GroupNumber(group.number.0.saturating_add(1));
        chain.follow(&group, &records, &pages, body.standing())
    }
}

impl Unsealed {
    fn records(&mut self) -> Records<'_> {
        Records {
            profiles: &mut self.book.profiles,
            memory: &mut self.memory,
            par_links: &mut self.par_links,
            short_values: &mut self.short_values,
            lockouts: &mut self.lockouts,
            cards: &mut self.cards,
            card_lockouts: &mut self.card_lockouts,
            nodes: &mut self.nodes,
        }
    }

    /// A page as this node would write it.
    fn page(&self, kind: PageKind, number: u32) -> Page {
        Page { kind, number, body: page::encode(kind, self.book.page(number)) }
    }
}
