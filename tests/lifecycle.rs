//! The life of tokens against a simple model, step by step, with crashes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use support::{Rig, trid};
use tallystick::command::{Command, Issue, Refusal, Reply, TokenView};
use tallystick::engine::EngineLimits;
use tallystick::types::{
    Amount, Cryptogram, Currency, DeactivationReason, Expiry, StatusEvent, Transaction, UnixTime,
};

/// What a step does. Tokens and cryptograms are named by their index, mod count.
#[derive(Debug, Clone)]
enum Step {
    Provision,
    Issue { token: usize, units: u64, key: Option<u8> },
    Verify { token: usize, cryptogram: usize, units: u64 },
    Suspend(usize),
    Resume(usize),
    Delete(usize),
    Renew(usize),
    Crash,
    Wait(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Active,
    Suspended,
    Deactivated,
}

/// A cryptogram as the model knows it.
#[derive(Debug, Clone, Copy)]
struct Made {
    units: u64,
    slot: u64,
    expiry: u16,
}

/// A token as the model knows it: nothing but lists and sets.
#[derive(Debug, Clone)]
struct Token {
    status: Status,
    expiry: u16,
    made: Vec<Made>,
    used: BTreeSet<usize>,
    /// Bad MACs, and until when they count.
    bad: (u32, u64),
}

#[derive(Debug, Clone)]
struct Model {
    tokens: Vec<Token>,
    /// Keys used: token, units and index of what they made, and until when.
    keys: Vec<(u8, usize, u64, usize, u64)>,
    now: u64,
}

impl Token {
    fn usable(&self) -> Result<(), Refusal> {
        match self.status {
            Status::Active => Ok(()),
            Status::Suspended => Err(Refusal::TokenSuspended),
            Status::Deactivated => Err(Refusal::TokenDeactivated),
        }
    }
}

impl Model {
    /// What issuing must give: the index of the cryptogram, and whether it is new.
    fn issue(&mut self, token: usize, units: u64, key: Option<u8>) -> Result<(usize, bool), Refusal> {
        let now = self.now;
        self.keys.retain(|known| known.4 > now);
        if let Some(known) = self.keys.iter().find(|known| Some(known.0) == key) {
            return if (known.1, known.2) == (token, units) {
                Ok((known.3, false))
            } else {
                Err(Refusal::IdempotencyConflict)
            };
        }
        let made = &mut self.tokens[token];
        made.usable()?;
        made.made.push(Made { units, slot: now / 600, expiry: made.expiry });
        let index = made.made.len() - 1;
        self.keys.extend(key.map(|key| (key, token, units, index, now + 86_400)));
        Ok((index, true))
    }

    fn verify(&mut self, token: usize, cryptogram: usize, units: u64) -> Result<(), Refusal> {
        let slot = self.now / 600;
        let of = &mut self.tokens[token];
        of.usable()?;
        let made = of.made[cryptogram];
        let counts = self.now < of.bad.1;
        if counts && of.bad.0 >= 10 {
            return Err(Refusal::TokenLocked);
        }
        if (made.units, made.expiry) != (units, of.expiry) {
            let end = self.now + 900;
            of.bad = match of.bad.0 + 1 {
                10 if counts => (10, end),
                count if counts => (count, of.bad.1),
                _ => (1, end),
            };
            return Err(Refusal::BadMac);
        }
        if slot - made.slot > 144 {
            return Err(Refusal::TooOld);
        }
        let newest = of.used.last().copied().unwrap_or(0);
        if of.used.contains(&cryptogram) && newest - cryptogram <= 64 {
            return Err(Refusal::Replayed);
        }
        if newest > cryptogram && newest - cryptogram > 64 {
            return Err(Refusal::BehindWindow);
        }
        of.used.insert(cryptogram);
        Ok(())
    }

    fn change(&mut self, token: usize, to: Status) -> Result<(), Refusal> {
        if self.tokens[token].status == Status::Deactivated {
            return Err(Refusal::TokenDeactivated);
        }
        self.tokens[token].status = to;
        Ok(())
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { tokens: Vec::new(), keys: Vec::new(), now: support::NOW }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let token = 0..state.tokens.len().max(1);
        let made = state.tokens.iter().map(|token| token.made.len()).max().unwrap_or(0).max(1);
        prop_oneof![
            2 => Just(Step::Provision),
            10 => (token.clone(), 1u64..4, prop::option::weighted(0.3, 0u8..6))
                .prop_map(|(token, units, key)| Step::Issue { token, units, key }),
            10 => (token.clone(), 0..made, 1u64..4)
                .prop_map(|(token, cryptogram, units)| Step::Verify { token, cryptogram, units }),
            1 => token.clone().prop_map(Step::Suspend),
            2 => token.clone().prop_map(Step::Resume),
            1 => token.clone().prop_map(Step::Delete),
            1 => token.prop_map(Step::Renew),
            2 => Just(Step::Crash),
            1 => (0u64..60_000).prop_map(Step::Wait),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        let exists = |token: &usize| *token < state.tokens.len();
        match step {
            Step::Provision | Step::Crash | Step::Wait(_) => true,
            Step::Verify { token, cryptogram, .. } => {
                exists(token) && *cryptogram < state.tokens[*token].made.len()
            }
            Step::Issue { token, .. }
            | Step::Suspend(token)
            | Step::Resume(token)
            | Step::Delete(token)
            | Step::Renew(token) => exists(token),
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        // Refusals change nothing in the model either, but that bad MACs count.
        match *step {
            Step::Provision => {
                let (made, used) = (Vec::new(), BTreeSet::new());
                let (status, bad) = (Status::Active, (0, 0));
                state.tokens.push(Token { status, expiry: 4912, made, used, bad });
            }
            Step::Issue { token, units, key } => drop(state.issue(token, units, key)),
            Step::Verify { token, cryptogram, units } => drop(state.verify(token, cryptogram, units)),
            Step::Suspend(token) => drop(state.change(token, Status::Suspended)),
            Step::Resume(token) => drop(state.change(token, Status::Active)),
            Step::Delete(token) => drop(state.change(token, Status::Deactivated)),
            Step::Renew(token) => {
                if state.tokens[token].status != Status::Deactivated {
                    state.tokens[token].expiry += 100;
                    state.tokens[token].bad = (0, 0);
                }
            }
            Step::Crash => {}
            Step::Wait(seconds) => state.now += seconds,
        }
        state
    }
}

/// The engine under test, with what it handed out.
struct System {
    rig: Rig,
    tokens: Vec<(TokenView, Vec<Cryptogram>)>,
    /// The model before the step at hand.
    before: Model,
}

fn paying(units: u64) -> Transaction<'static> {
    let amount = (Amount::from_minor_units(units), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

impl System {
    fn issue(&mut self, token: usize, units: u64, key: Option<u8>) {
        let expected = self.before.clone().issue(token, units, key);
        let command = Command::Issue(Issue {
            token: self.tokens[token].0.token,
            trid: trid(),
            transaction: paying(units),
        });
        let got = match key {
            None => self.rig.run(command),
            Some(key) => self.rig.run_keyed(&[b'k', key], format!("{token} {units}").as_bytes(), command),
        };
        match (expected, got) {
            (Ok((index, new)), Ok(Reply::Issued(issued))) => {
                let made = &mut self.tokens[token].1;
                if new {
                    assert_eq!(issued.cryptogram.header().unwrap().atc.get() as usize, index + 1);
                    made.push(issued.cryptogram);
                }
                assert_eq!(issued.cryptogram, made[index]);
            }
            (Err(expected), Err(got)) => assert_eq!(got, expected),
            (expected, got) => panic!("expected {expected:?}, got {got:?}"),
        }
    }

    fn verify(&mut self, token: usize, cryptogram: usize, units: u64) {
        let expected = self.before.clone().verify(token, cryptogram, units);
        let (view, made) = &self.tokens[token];
        let (mut view, cryptogram) = (view.clone(), made[cryptogram]);
        view.expiry = Expiry::from_value(self.before.tokens[token].expiry).unwrap();
        let got = self.rig.verify(&view, paying(units), cryptogram);
        assert_eq!(got.map(|_| ()), expected);
    }

    fn change(&mut self, token: usize, to: Status, event: StatusEvent) {
        let expected = self.before.clone().change(token, to);
        let got = self.rig.status(self.tokens[token].0.token, event);
        assert_eq!(got.map(|_| ()), expected);
    }
}

impl StateMachineTest for System {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        let limits = EngineLimits { journal_bytes: 300, ..EngineLimits::default() };
        // Pages are written and the journal is cut every few groups.
        Self { rig: Rig::with_limits(limits), tokens: Vec::new(), before: model.clone() }
    }

    fn apply(mut system: Self, model: &Model, step: Step) -> Self {
        system.step(step);
        system.before = model.clone();
        system
    }
}

impl System {
    fn step(&mut self, step: Step) {
        match step {
            Step::Provision => {
                let mut card = support::card(support::PAN, "4912");
                card.providers = None;
                let view = support::token_of(self.rig.run(Command::Provision(Box::new(card))));
                self.tokens.push((view, Vec::new()));
            }
            Step::Issue { token, units, key } => self.issue(token, units, key),
            Step::Verify { token, cryptogram, units } => self.verify(token, cryptogram, units),
            Step::Suspend(token) => self.change(token, Status::Suspended, StatusEvent::Suspend),
            Step::Resume(token) => self.change(token, Status::Active, StatusEvent::Resume),
            Step::Delete(token) => {
                self.change(
                    token,
                    Status::Deactivated,
                    StatusEvent::Deactivate(DeactivationReason::Requested),
                );
            }
            Step::Renew(token) => {
                let of = &self.before.tokens[token];
                let expiry = Expiry::from_value(of.expiry + 100).unwrap();
                let token = self.tokens[token].0.token;
                let got = self.rig.run(Command::Renew(tallystick::command::Renew { token, expiry }));
                assert_eq!(got.is_ok(), of.status != Status::Deactivated);
            }
            Step::Crash => self.rig.restart(),
            Step::Wait(seconds) => {
                self.rig.now += seconds;
                self.rig.engine.expire(UnixTime::from_seconds(self.rig.now));
            }
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_lives_as_the_model_does(sequential 1..120 => System);
}
