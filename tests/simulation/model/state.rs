//! What the model knows of tokens, keys and PARs, and how it changes.

use std::collections::{BTreeMap, BTreeSet};

use tallystick::types::{DeactivationReason, Trid};

use crate::field::Chip;
use crate::wish::{CardNumber, Payment, Rules};

/// A token's standing at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    Suspended,
    Deactivated(DeactivationReason),
}

/// What of a token is written as its row. Each change makes a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub providers: Vec<(&'static str, Standing)>,
    pub expiry: u16,
    /// The key version that sealed the PAN; none once it is erased.
    pub sealed: Option<u8>,
}

/// A short value that may still be presented.
#[derive(Debug, Clone)]
pub struct Outstanding {
    pub atc: u32,
    pub issued: u64,
    pub expiry: u16,
    pub key_version: u8,
}

#[derive(Debug, Clone, Default)]
pub struct Shorts {
    pub misses: u32,
    pub outstanding: Vec<Outstanding>,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub card: CardNumber,
    pub trid: Trid,
    pub rules: Rules,
    pub created: u64,
    /// Every row that was written, by revision.
    pub rows: Vec<Row>,
    /// The newest counter issued.
    pub issued: u32,
    /// Whether each counter was consumed, from 1.
    pub consumed: Vec<bool>,
    pub newest_consumed: u32,
    pub shorts: Shorts,
    pub bad_macs: BadMacs,
}

/// The counters of a card's cryptograms, and its bad MACs.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Whether they are counted here and not by the chip.
    pub is_ours: bool,
    /// The newest issued, if they are counted here.
    pub issued: u32,
    pub consumed: BTreeSet<u32>,
    pub bad_macs: BadMacs,
}

/// Bad MACs of a token or a card, or wrong values of one, and when they are forgotten.
#[derive(Debug, Clone, Copy, Default)]
pub struct BadMacs {
    pub count: u32,
    pub until: u64,
}

impl Token {
    pub fn row(&self) -> &Row {
        self.rows.last().expect("a token has a first row")
    }

    pub fn revision(&self) -> u16 {
        // It wraps, as the engine's does.
        ((self.rows.len() - 1) & 0xffff) as u16
    }

    pub fn is_consumed(&self, atc: u32) -> bool {
        self.consumed.get(atc as usize).copied().unwrap_or(false)
    }
}

/// A PAR, by where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParOf {
    Derived(CardNumber),
    Given(String),
}

/// What must be in an answer.
#[derive(Debug, Clone)]
pub enum Expected {
    Token {
        id: usize,
        row: Row,
        par: ParOf,
    },
    Page {
        tokens: Vec<(usize, Row, ParOf)>,
        next: Option<u32>,
    },
    Pan {
        card: CardNumber,
        expiry: u16,
    },
    Par(ParOf),
    Fingerprint(CardNumber),
    Issued {
        id: usize,
        atc: u32,
        payment: Payment,
        key_version: u8,
        slot: u16,
        expiry: u16,
    },
    IssuedShort {
        id: usize,
        atc: u32,
        expiry: u16,
    },
    Verified(u32),
    Resealed {
        version: u8,
        looked_at: u32,
        resealed: u32,
        tokens: u32,
        next: Option<u32>,
    },
    EmvIssued {
        chip: Chip,
        atc: u32,
    },
    EmvVerified(u32),
    Arpc {
        chip: Chip,
        atc: u16,
        arqc: [u8; 8],
    },
    ValueVerified,
    /// What the same key was answered: which use of it, and what that was.
    Recalled(u64, Box<Expected>),
}

/// An idempotency key in use.
#[derive(Debug, Clone)]
pub struct Key {
    /// The number of the request that it was first used with.
    pub request: u64,
    pub body: Vec<u8>,
    pub expires: u64,
    pub used: u64,
    pub answer: Expected,
}

#[derive(Debug, Clone, Default)]
pub struct State {
    /// By slot: in the order in which they were provisioned.
    pub tokens: Vec<Token>,
    /// By caller, operation and key.
    pub keys: BTreeMap<(String, &'static str, Vec<u8>), Key>,
    /// PARs that were given or taken over, by card.
    pub pars: BTreeMap<CardNumber, ParOf>,
    pub chips: BTreeMap<Chip, Counted>,
    /// Wrong verification values.
    pub wrong_values: BTreeMap<CardNumber, BadMacs>,
}

#[derive(Debug, Clone)]
pub enum Effect {
    Token(usize, Box<Token>),
    Issued(usize, u32),
    Consumed(usize, u32),
    Row(usize, Row),
    Shorts(usize, Shorts),
    BadMacs(usize, BadMacs),
    Key((String, &'static str, Vec<u8>), Box<Key>),
    Par(CardNumber, ParOf),
    Chip(Chip, Counted),
    WrongValues(CardNumber, BadMacs),
}

impl State {
    pub fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Token(id, token) => {
                assert_eq!(*id, self.tokens.len());
                self.tokens.push((**token).clone());
            }
            Effect::Issued(id, atc) => self.tokens[*id].issued = *atc,
            Effect::Consumed(id, atc) => {
                let token = &mut self.tokens[*id];
                let at = *atc as usize;
                if token.consumed.len() <= at {
                    token.consumed.resize(at + 1, false);
                }
                token.consumed[at] = true;
                token.newest_consumed = token.newest_consumed.max(*atc);
            }
            Effect::Row(id, row) => self.tokens[*id].rows.push(row.clone()),
            Effect::BadMacs(id, bad) => self.tokens[*id].bad_macs = *bad,
            Effect::Shorts(id, shorts) => self.tokens[*id].shorts = shorts.clone(),
            Effect::Key(scope, key) => drop(self.keys.insert(scope.clone(), (**key).clone())),
            Effect::Par(card, par) => drop(self.pars.insert(*card, par.clone())),
            Effect::Chip(chip, counted) => drop(self.chips.insert(*chip, counted.clone())),
            Effect::WrongValues(card, wrong) => drop(self.wrong_values.insert(*card, *wrong)),
        }
    }

    /// The PAR shown for a card.
    pub fn par(&self, card: CardNumber) -> ParOf {
        self.pars.get(&card).cloned().unwrap_or(ParOf::Derived(card))
    }
}
