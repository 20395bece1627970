//! What a database server says to a node.

use super::store::Met;
use crate::store::postgres::played::{comes_back, play};
use crate::store::{Follow, Followed, GroupNumber, StoreError};

/// What a group of another node carries beside its journal body: what is accepted is
/// written as it was, byte by byte.
pub fn carried(data: &[u8]) {
    assert!(comes_back(data), "what a group carried was written as something else");
}

/// All that a server says, from its first byte: to a login, a load and a turn. What is
/// loaded and followed of the same bytes is the same.
///
/// After a first byte of 0 they are said as they are. Else they are messages, each as its
/// type, the length of its body in two bytes, and that: the lengths of the wire are right.
pub fn server(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let said = if *form == 0 { rest.to_vec() } else { messages(rest) };
    let once = hear(&said);
    assert!(once == hear(&said), "the same server was heard to say something else");
}

/// Whether a server is understood to its last message.
#[must_use]
pub fn heard_whole(data: &[u8]) -> bool {
    let Some((_, rest)) = data.split_first() else { return false };
    let (result, met, heard) = hear(&messages(rest));
    let met_all = ![met.records.len(), met.pages.len(), met.tokens.len(), met.groups.len()].contains(&0);
    result.is_ok() && met_all && !heard.0.is_empty()
}

fn messages(mut rest: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    while let Some(([kind, a, b], after)) = rest.split_first_chunk() {
        let length = u16::from_be_bytes([*a, *b]);
        let (body, after) = after.split_at_checked(length.into()).unwrap_or((after, &[]));
        rest = after;
        said.push(*kind);
        said.extend(u32::try_from(body.len()).unwrap_or(0).saturating_add(4).to_be_bytes());
        said.extend_from_slice(body);
    }
    said
}

fn hear(said: &[u8]) -> (Result<(), StoreError>, Met, Heard) {
    let (mut met, mut heard) = (Met::default(), Heard::default());
    let result = play(said, &mut met, &mut heard);
    (result, met, heard)
}

/// The groups that were followed, and how much each wrote.
#[derive(Default, PartialEq)]
struct Heard(Vec<(GroupNumber, [u8; 32], [usize; 3])>);

impl Follow for Heard {
    fn follow(&mut self, group: Followed<'_>) -> Result<(), StoreError> {
        let wrote = [group.tokens.len(), group.records.len(), group.pages.len()];
        self.0.push((group.group.number, group.group.mac, wrote));
        Ok(())
    }
}
