//! The promises themselves, over everything that was ever handed out: no model,
//! only a list. It knows of answers and of who asked, not of the engine.

use std::collections::BTreeMap;

use tallystick::command::Reply;
use tallystick::wire::Opcode;

use crate::field::Chip;
use crate::trace::fail;
use crate::wish::{Request, Wish};

/// Who was answered: one sending of a request, or every use of one idempotency
/// key for the same body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Sending(u64),
    Key(String, Opcode, Vec<u8>),
}

/// Number and length of a token, and a counter of it.
type Counter = ((u64, u8), u32);

#[derive(Default)]
pub struct Ledger {
    issued: BTreeMap<Counter, (Vec<u8>, Owner)>,
    accepted: BTreeMap<[u8; 20], Owner>,
    /// The counters of cards' cryptograms.
    emv_issued: BTreeMap<(Chip, u32), Owner>,
    emv_accepted: BTreeMap<(Chip, u32), Owner>,
}

impl Ledger {
    /// Enters an answer as it leaves: the answer to the nth sending of all.
    pub fn enter(&mut self, peer: &str, sending: u64, request: &Request, reply: &Reply, bytes: &[u8]) {
        let owner = match &request.key {
            None => Owner::Sending(sending),
            // The key is part of the body.
            Some(_) => Owner::Key(peer.to_owned(), request.opcode, request.body.clone()),
        };
        match (&request.wish, reply) {
            (Wish::Issue(payer, _), Reply::Issued(issued)) => {
                let atc = issued.cryptogram.header().expect("what was issued has a header").atc.get();
                self.enter_issued(payer.token, atc, bytes, owner);
            }
            (Wish::IssueShort(payer, _), Reply::IssuedShort(issued)) => {
                self.enter_issued(payer.token, issued.atc.get(), bytes, owner);
            }
            (Wish::Verify(_, _, cryptogram), Reply::Verified(_)) => {
                let before = self.accepted.entry(*cryptogram).or_insert_with(|| owner.clone());
                if *before != owner {
                    fail(None, format!("a cryptogram was accepted twice: {}", request.about()));
                }
            }
            (Wish::EmvIssue(chip), Reply::EmvIssued(issued)) => {
                once(&mut self.emv_issued, (*chip, issued.atc.get()), owner, "issued");
            }
            (Wish::EmvVerify(chip, ..), Reply::EmvVerified(verified)) => {
                once(&mut self.emv_accepted, (*chip, verified.atc.get()), owner, "accepted");
            }
            _ => {}
        }
    }

    fn enter_issued(&mut self, token: tallystick::types::TokenNumber, atc: u32, bytes: &[u8], owner: Owner) {
        let counter = ((token.value(), token.digit_count()), atc);
        let entry = self.issued.entry(counter).or_insert_with(|| (bytes.to_vec(), owner.clone()));
        if entry.0 != bytes {
            fail(None, format!("counter {atc} of {token} was issued twice, with other bytes"));
        }
        if entry.1 != owner {
            fail(None, format!("counter {atc} of {token} was handed out to two requests"));
        }
    }

    /// Every cryptogram that was ever accepted.
    pub fn accepted(&self) -> impl Iterator<Item = &[u8; 20]> {
        self.accepted.keys()
    }

    pub fn accepted_count(&self) -> usize {
        self.accepted.len()
    }

    /// Every counter of a card whose cryptogram was ever accepted.
    pub fn emv_accepted(&self) -> impl Iterator<Item = &(Chip, u32)> {
        self.emv_accepted.keys()
    }
}

/// Enters a counter of a card, which is one owner's for ever.
fn once(counters: &mut BTreeMap<(Chip, u32), Owner>, counter: (Chip, u32), owner: Owner, what: &str) {
    if *counters.entry(counter).or_insert_with(|| owner.clone()) != owner {
        fail(None, format!("counter {} of {:?} was {what} twice", counter.1, counter.0));
    }
}
