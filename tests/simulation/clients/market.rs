//! What the clients know among them: tokens, cryptograms to be spent, and spent
//! ones.

use std::collections::BTreeMap;
use std::rc::Rc;

use tallystick::command::TokenView;
use tallystick::types::{TokenNumber, TokenStatus, Trid};

use crate::field::Chip;
use crate::wish::{Payment, Request, Rules};

/// Cryptograms kept of each kind.
const COINS: usize = 1500;

/// A token as its holders know it.
#[derive(Debug, Clone)]
pub struct Held {
    pub token: TokenNumber,
    pub trid: Trid,
    pub expiry: u16,
    pub rules: Rules,
}

/// A cryptogram that may be presented.
#[derive(Debug, Clone)]
pub struct Coin {
    pub token: TokenNumber,
    pub payment: Payment,
    pub expiry: u16,
    pub cryptogram: [u8; 20],
}

#[derive(Default)]
pub struct Market {
    pub tokens: Vec<Held>,
    places: BTreeMap<(u64, u8), usize>,
    pub coins: Vec<Coin>,
    pub spent: Vec<Coin>,
    /// Short values: token, expiry, digits.
    pub shorts: Vec<(TokenNumber, u16, String)>,
    pub suspended: Vec<Held>,
    /// Cryptograms of cards: the card, the counter, the cryptogram.
    pub arqcs: Vec<(Chip, u16, [u8; 8])>,
    /// The counters of chips that count by themselves.
    pub chips: BTreeMap<Chip, u16>,
    /// Tokens that are not deactivated, as far as anyone knows.
    lively: Vec<usize>,
    /// Requests with a key, by number.
    pub keyed: BTreeMap<u64, Rc<Request>>,
}

impl Held {
    /// What is always paid with short values of this token.
    pub fn short_payment(&self) -> Payment {
        let demands = |bit| self.rules.demands & bit != 0;
        Payment {
            units: Some(4_900 + self.token.value() % 100),
            merchant: self.rules.merchant.or(demands(2).then_some("m_1")),
            unpredictable: demands(4).then_some([1, 2, 3, 4]),
            merchant_initiated: demands(8),
            channel: (0..4).find(|channel| self.rules.channels & (1 << channel) != 0).unwrap_or(0),
        }
    }
}

impl Market {
    pub fn held(&self, token: TokenNumber) -> Option<&Held> {
        self.places.get(&(token.value(), token.digit_count())).map(|at| &self.tokens[*at])
    }

    pub fn add(&mut self, held: Held) {
        let place = (held.token.value(), held.token.digit_count());
        // A retry tells of a token that is known already.
        if let std::collections::btree_map::Entry::Vacant(free) = self.places.entry(place) {
            self.lively.push(self.tokens.len());
            free.insert(self.tokens.len());
            self.tokens.push(held);
        }
    }

    /// How many tokens can still be used.
    pub fn lively_count(&self) -> usize {
        self.lively.len()
    }

    /// One of them.
    pub fn lively(&self, at: usize) -> &Held {
        &self.tokens[self.lively[at]]
    }

    /// Takes what was shown of a token.
    pub fn update(&mut self, view: &TokenView) {
        let place = (view.token.value(), view.token.digit_count());
        self.suspended.retain(|held| held.token != view.token);
        let Some(at) = self.places.get(&place) else { return };
        let held = &mut self.tokens[*at];
        held.expiry = view.expiry.value();
        match view.providers.overall() {
            TokenStatus::Suspended => self.suspended.push(held.clone()),
            TokenStatus::Deactivated(_) => self.lively.retain(|lively| lively != at),
            _ => {}
        }
    }

    /// Takes a cryptogram that was issued; `whim` picks the one that gives way.
    pub fn earn(&mut self, coin: Coin, whim: usize) {
        if self.coins.iter().rev().take(50).any(|known| known.cryptogram == coin.cryptogram) {
            return;
        }
        if self.coins.len() == COINS {
            self.coins.swap_remove(whim % COINS);
        }
        self.coins.push(coin);
    }

    /// A cryptogram was accepted.
    pub fn spend(&mut self, cryptogram: &[u8; 20], whim: usize) {
        let Some(at) = self.coins.iter().position(|coin| coin.cryptogram == *cryptogram) else { return };
        if self.spent.len() == COINS {
            self.spent.swap_remove(whim % COINS);
        }
        let coin = self.coins.remove(at);
        self.spent.push(coin);
    }
}
