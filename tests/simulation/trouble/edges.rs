//! Where something ends: requests sent at the last second of it, at the first
//! after it, and to both sides.

use std::rc::Rc;

use crate::model::{LOCK_SECONDS, SHORT_SECONDS, Token, is_past, slot};
use crate::wish::{Payer, Request, Wish};
use crate::world::{Event, World};

impl World {
    /// Sends at once, over a line that loses nothing.
    fn send_now(&mut self, request: Rc<Request>) {
        self.agenda.after(0, Event::Arrive(request));
    }

    /// A client that may verify anything.
    fn verifier(&mut self) -> usize {
        let able: Vec<_> = (0..self.clients.len()).filter(|at| self.clients[*at].verifies_all()).collect();
        *self.trouble.dice.pick(&able)
    }

    /// A keyed request again, around the end of its key.
    pub fn edge_of_key(&mut self) {
        let keys: Vec<_> = self.model.decided.keys.values().map(|key| (key.request, key.expires)).collect();
        if keys.is_empty() {
            return;
        }
        let (number, expires) = *self.trouble.dice.pick(&keys);
        let Some(request) = self.market.keyed.get(&number).cloned() else { return };
        let at = *self.trouble.dice.pick(&[expires - 1, expires, expires + 1]);
        self.show_for_a_moment(at, "at the edge of a key");
        if self.trouble.dice.chance(500) {
            self.tidy();
        }
        self.trace.count("edges of keys");
        self.send_now(request);
    }

    /// A cryptogram around the age at which it is too old, or still to come.
    pub fn edge_of_age(&mut self) {
        if self.market.coins.is_empty() {
            return;
        }
        let coin = self.trouble.dice.pick(&self.market.coins).clone();
        let made = u16::from_be_bytes(coin.cryptogram[6..8].try_into().unwrap());
        let age = *self.trouble.dice.pick(&[0, 143, 144, 145, u16::MAX, u16::MAX - 1]);
        let now = self.clock.wall();
        // The nearest moment of that age.
        let away = i64::from(made.wrapping_add(age).wrapping_sub(slot(now)).cast_signed()) * 600;
        let Some(at) = now.checked_add_signed(away) else { return };
        self.show_for_a_moment(at, "at the edge of an age");
        let verifier = self.verifier();
        let request = self.payment_with(verifier, &coin);
        self.trace.count("edges of ages");
        self.send_now(request);
    }

    /// Bad MACs, about as many as lock a token, and then a good one: at once, and
    /// around the end of the lock.
    pub fn edge_of_lock(&mut self) {
        if self.market.coins.is_empty() {
            return;
        }
        let coin = self.trouble.dice.pick(&self.market.coins).clone();
        let (verifier, bad) = (self.verifier(), 8 + self.trouble.dice.below(4));
        for _ in 0..bad {
            let mut forged = coin.clone();
            forged.cryptogram[8 + self.trouble.dice.below(12)] ^= 1;
            let request = self.payment_with(verifier, &forged);
            self.send_now(request);
        }
        let after = *self.trouble.dice.pick(&[0, LOCK_SECONDS - 1, LOCK_SECONDS]);
        let good = self.payment_with(verifier, &coin);
        if after == 0 {
            self.send_now(good);
        } else {
            // The clock goes as the simulation's does, so the lock is about so old.
            self.agenda.after(after * 1000, Event::Arrive(good));
        }
        self.trace.count("sieges of tokens");
    }

    /// A short value around the end of its day.
    pub fn edge_of_short_value(&mut self) {
        let owned = |(id, token): (usize, &Token)| {
            token.shorts.outstanding.first().map(|one| (id, one.atc, one.issued))
        };
        let all: Vec<_> = self.model.decided.tokens.iter().enumerate().filter_map(owned).collect();
        if all.is_empty() {
            return;
        }
        let (id, atc, issued) = *self.trouble.dice.pick(&all);
        let Some(held) = self.model.facts.number(id).and_then(|token| self.market.held(token)) else {
            return;
        };
        let Some(value) = self.model.facts.short_value(id, atc).map(str::to_owned) else { return };
        let at = *self.trouble.dice.pick(&[issued + SHORT_SECONDS - 1, issued + SHORT_SECONDS]);
        let payer = Payer { token: held.token, trid: held.trid, expiry: held.expiry };
        let wish = Wish::VerifyShort(payer, held.short_payment(), value);
        self.show_for_a_moment(at, "at the edge of a short value");
        let verifier = self.verifier();
        let request = self.request(verifier, wish, None);
        self.trace.count("edges of short values");
        self.send_now(request);
    }

    /// A token in the last second of its last month, or the first after it.
    pub fn edge_of_expiry(&mut self) {
        let soon: Vec<_> = self.market.tokens.iter().filter(|held| held.expiry < 2900).cloned().collect();
        if soon.is_empty() {
            return;
        }
        let held = self.trouble.dice.pick(&soon).clone();
        let after = first_second_after(held.expiry);
        let at = *self.trouble.dice.pick(&[after - 1, after]);
        self.show_for_a_moment(at, "at the edge of an expiry");
        let payer = Payer { token: held.token, trid: held.trid, expiry: held.expiry };
        let wish = Wish::Issue(payer, held.short_payment());
        let issuer = (0..self.clients.len()).find(|at| self.clients[*at].does_all()).unwrap();
        let request = self.request(issuer, wish, None);
        self.trace.count("edges of expiries");
        self.send_now(request);
    }
}

/// The first second of the month after an expiry (YYMM), looked for by halves.
fn first_second_after(expiry: u16) -> u64 {
    let (mut low, mut high) = (0, 5_000_000_000);
    while low < high {
        let middle = (low + high) / 2;
        if is_past(expiry, middle) { high = middle } else { low = middle + 1 }
    }
    low
}
