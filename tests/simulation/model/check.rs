//! Compares what came out with what had to, and learns what only the engine can
//! know: token numbers, MACs, PARs. Whatever is learned was durable, so it holds
//! for ever.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tallystick::command::{Issued, Page, Reply, TokenView};
use tallystick::types::{ProviderStatus, TokenNumber, Trid};

use super::Model;
use super::state::{Expected, ParOf, Row, Standing};
use crate::trace::fail;
use crate::wish::{CardNumber, Payer, Payment, network, pan_digits};

/// A cryptogram that was handed out.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: usize,
    pub trid: Trid,
    pub payment: Payment,
    /// The merchant that its token demands, should it not be bound.
    pub merchant: Option<&'static str>,
    pub expiry: u16,
}

/// What the engine was seen to say.
#[derive(Default)]
pub struct Facts {
    numbers: BTreeMap<usize, TokenNumber>,
    ids: BTreeMap<(u64, u8), usize>,
    cryptograms: BTreeMap<[u8; 20], Made>,
    newest: [u8; 20],
    issued: BTreeMap<(usize, u32), [u8; 20]>,
    short_values: BTreeMap<(usize, u32), String>,
    pars: BTreeMap<ParOf, String>,
    fingerprints: BTreeMap<CardNumber, [u8; 32]>,
    /// The bytes of answers under idempotency keys, by use.
    answers: BTreeMap<u64, Vec<u8>>,
}

impl Facts {
    /// The slot of a token number.
    pub fn id(&self, token: TokenNumber) -> Option<usize> {
        self.ids.get(&(token.value(), token.digit_count())).copied()
    }

    /// The number of the token at a slot.
    pub fn number(&self, id: usize) -> Option<TokenNumber> {
        self.numbers.get(&id).copied()
    }

    /// How many cryptograms were seen, and the newest of them.
    pub fn coins(&self) -> usize {
        self.cryptograms.len()
    }

    pub fn newest_coin(&self) -> [u8; 20] {
        self.newest
    }

    /// With what a cryptogram is good.
    pub fn good(&self, cryptogram: &[u8; 20]) -> Option<(Payer, Payment)> {
        let made = self.made(cryptogram)?;
        let token = self.number(made.id)?;
        let merchant = made.payment.merchant.or(made.merchant);
        Some((Payer { token, trid: made.trid, expiry: made.expiry }, Payment { merchant, ..made.payment }))
    }

    pub(super) fn made(&self, cryptogram: &[u8; 20]) -> Option<&Made> {
        self.cryptograms.get(cryptogram)
    }

    /// The digits of a short value, if they were seen.
    pub fn short_value(&self, id: usize, atc: u32) -> Option<&str> {
        self.short_values.get(&(id, atc)).map(String::as_str)
    }
}

/// Learns a value, or checks that it is the one learned before.
fn learn<K: Ord, V: PartialEq + Debug>(
    facts: &mut BTreeMap<K, V>,
    key: K,
    value: V,
    about: Option<usize>,
    what: &str,
) {
    let known = facts.entry(key);
    match known {
        std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(value)),
        std::collections::btree_map::Entry::Occupied(known) if *known.get() == value => {}
        std::collections::btree_map::Entry::Occupied(known) => {
            fail(about, format!("{what} was {:?} and now is {value:?}", known.get()))
        }
    }
}

impl Model {
    /// Checks an answer that was not refused; `bytes` is its form on the wire.
    pub fn check(&mut self, expected: &Expected, reply: &Reply, bytes: &[u8]) {
        match (expected, reply) {
            (Expected::Recalled(used, expected), _) => {
                self.check(expected, reply, bytes);
                learn(&mut self.facts.answers, *used, bytes.to_vec(), None, "the answer under a key");
            }
            (Expected::Token { id, row, par }, Reply::Token(view)) => self.check_view(*id, row, par, view),
            (Expected::Page { tokens, next }, Reply::Page(Page { tokens: views, next: at })) => {
                same(None, "where the next page begins", at, next);
                same(None, "the length of a page", &views.len(), &tokens.len());
                tokens
                    .iter()
                    .zip(views)
                    .for_each(|((id, row, par), view)| self.check_view(*id, row, par, view));
            }
            (Expected::Pan { card, expiry }, Reply::Detokenized(shown)) => {
                if shown.pan.expose_digits() != pan_digits(*card) {
                    fail(None, format!("another PAN than that of card {card} was shown"));
                }
                same(None, "the card's expiry", &shown.expiry.value(), expiry);
            }
            (Expected::Par(of), Reply::Par(par)) => self.check_par(of, par.as_str(), None),
            (Expected::Fingerprint(card), Reply::Fingerprint(value)) => {
                learn(
                    &mut self.facts.fingerprints,
                    *card,
                    *value.as_bytes(),
                    None,
                    "the fingerprint of a card",
                );
            }
            (Expected::Issued { .. }, Reply::Issued(issued)) => self.check_issued(expected, issued),
            (Expected::IssuedShort { id, atc, expiry }, Reply::IssuedShort(issued)) => {
                same(Some(*id), "the counter of a short value", &issued.atc.get(), atc);
                same(Some(*id), "the expiry beside a short value", &issued.expiry.value(), expiry);
                let value = String::from_utf8(issued.value.as_bytes().to_vec()).unwrap();
                if let Some(token) = self.facts.number(*id) {
                    same(Some(*id), "the length of a short value", &value.len(), &super::short_digits(token));
                }
                learn(&mut self.facts.short_values, (*id, *atc), value, Some(*id), "a short value");
            }
            (Expected::Verified(atc), Reply::Verified(verified)) => {
                same(None, "the counter that was consumed", &verified.atc.get(), atc);
            }
            (Expected::EmvIssued { chip, atc }, Reply::EmvIssued(issued)) => {
                let found = (issued.atc.get(), *issued.arqc.as_bytes());
                let arqc = chip.arqc(u16::try_from(*atc).unwrap());
                same(None, "a card's counter and cryptogram", &found, &(*atc, arqc));
            }
            (Expected::EmvVerified(atc), Reply::EmvVerified(verified)) => {
                same(None, "the card's counter that was consumed", &verified.atc.get(), atc);
            }
            (Expected::Arpc { chip, atc, arqc }, Reply::Arpc(arpc)) => {
                same(None, "what a card is answered", &arpc.as_bytes().to_vec(), &chip.arpc(*atc, *arqc));
            }
            (Expected::ValueVerified, Reply::CardValueVerified) => {}
            (Expected::Resealed { version, looked_at, resealed, tokens, next }, Reply::Resealed(reply)) => {
                let found = (reply.version.get(), reply.looked_at, reply.resealed, reply.unopened);
                same(None, "what was re-sealed", &found, &(*version, *looked_at, *resealed, 0));
                same(None, "how far re-sealing came", &(reply.tokens, reply.next), &(*tokens, *next));
            }
            (expected, reply) => fail(None, format!("expected {expected:?}, got {reply:?}")),
        }
    }

    fn check_issued(&mut self, expected: &Expected, issued: &Issued) {
        let Expected::Issued { id, atc, payment, key_version, slot, expiry } = expected else { return };
        let bytes = *issued.cryptogram.as_bytes();
        let mut header = vec![1 << 4 | payment.bits(), *key_version];
        header.extend_from_slice(&atc.to_be_bytes());
        header.extend_from_slice(&slot.to_be_bytes());
        same(Some(*id), "the header of a cryptogram", &&bytes[..8], &&header[..]);
        same(Some(*id), "the expiry beside a cryptogram", &issued.expiry.value(), expiry);
        learn(&mut self.facts.issued, (*id, *atc), bytes, Some(*id), "the cryptogram of a counter");
        let token = &self.decided.tokens[*id];
        let (trid, merchant) = (token.trid, token.rules.merchant);
        let made = Made { id: *id, trid, payment: *payment, merchant, expiry: *expiry };
        self.facts.cryptograms.insert(bytes, made);
        self.facts.newest = bytes;
    }

    fn check_par(&mut self, of: &ParOf, par: &str, about: Option<usize>) {
        if let ParOf::Given(given) = of {
            same(about, "a PAR that was given", &par, &given.as_str());
        }
        learn(&mut self.facts.pars, of.clone(), par.to_owned(), about, "the PAR of a card");
    }

    fn check_view(&mut self, id: usize, row: &Row, par: &ParOf, view: &TokenView) {
        let about = Some(id);
        let place = (view.token.value(), view.token.digit_count());
        learn(&mut self.facts.numbers, id, view.token, about, "the number of a token");
        learn(&mut self.facts.ids, place, id, about, "the token of a number");
        self.check_par(par, view.par.as_str(), about);
        let token = &self.decided.tokens[id];
        let fingerprint = *view.fingerprint.as_bytes();
        learn(&mut self.facts.fingerprints, token.card, fingerprint, about, "the fingerprint of a card");
        let digits = pan_digits(token.card);
        same(about, "the last four digits", &view.card_last_four, digits.last_chunk().unwrap());
        same(about, "the length of the PAN", &usize::from(view.pan_length), &digits.len());
        same(about, "the network", &view.network, &network(token.card));
        same(about, "the requestor", &view.trid, &token.trid);
        same(about, "the domain", &view.domain, &token.rules.domain());
        same(about, "when it was made", &view.created.seconds(), &token.created);
        same(about, "the expiry", &view.expiry.value(), &row.expiry);
        same(about, "the card's expiry", &view.card_expiry.value(), &row.expiry);
        let providers = view.providers.as_slice().iter();
        let providers: Vec<_> = providers.map(|(name, status)| (name.as_str(), standing(*status))).collect();
        same(about, "the status at the providers", &providers, &row.providers);
    }
}

fn same<T: PartialEq + Debug>(about: Option<usize>, what: &str, found: &T, expected: &T) {
    if found != expected {
        fail(about, format!("{what} is {found:?} and not {expected:?}"));
    }
}

fn standing(status: ProviderStatus) -> Standing {
    match status {
        ProviderStatus::Active => Standing::Active,
        ProviderStatus::Suspended => Standing::Suspended,
        ProviderStatus::Deactivated(reason) => Standing::Deactivated(reason),
    }
}
