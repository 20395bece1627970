//! The end of a run: nothing is owed, everything acknowledged is there, and
//! nothing that was accepted is accepted again.

use std::rc::Rc;

use crate::model::slot;
use crate::trace::fail;
use crate::wish::{Payer, Wish};
use crate::world::World;

impl World {
    /// The last checks, after a last crash.
    pub fn end(&mut self) {
        for client in &self.clients {
            if client.owed() > 0 {
                fail(None, format!("{} still waits for {} answers", client.peer.name, client.owed()));
            }
        }
        self.crash();
        self.start();
        if self.server.up.is_none() {
            fail(None, "a start in calm comes to nothing".to_owned());
        }
        let owner = (0..self.clients.len()).find(|at| self.clients[*at].does_all()).unwrap();
        let known: Vec<_> = self.market.tokens.iter().map(|held| held.token).collect();
        for token in &known {
            self.ask(owner, Wish::Show(*token));
        }
        self.replay_all(owner);
        self.replay_cards(owner);
        self.pay_once_more(owner);
    }

    /// Every cryptogram that was ever accepted is presented again.
    fn replay_all(&mut self, owner: usize) {
        let accepted: Vec<_> = self.ledger.accepted().copied().collect();
        let before = self.trace.counted("cryptograms accepted");
        for cryptogram in accepted {
            let Some((payer, payment)) = self.model.facts.good(&cryptogram) else {
                fail(None, "a cryptogram was accepted that was never handed out".to_owned());
            };
            // At the time at which it was made, so that it is not just too old.
            let made = u16::from_be_bytes(cryptogram[6..8].try_into().unwrap());
            let away = i64::from(made.wrapping_sub(slot(self.clock.wall())).cast_signed()) * 600;
            self.clock.set += away;
            self.ask(owner, Wish::Verify(payer, payment, cryptogram));
        }
        self.clock.set = 0;
        if self.trace.counted("cryptograms accepted") != before {
            fail(None, "a cryptogram was accepted again in the end".to_owned());
        }
    }

    /// Every card's cryptogram that was ever accepted is presented again, when no card is
    /// locked any more.
    fn replay_cards(&mut self, owner: usize) {
        let accepted: Vec<_> = self.ledger.emv_accepted().copied().collect();
        let before = self.trace.counted("cryptograms of cards accepted");
        self.clock.set += 86_400;
        for (chip, atc) in accepted {
            let atc = u16::try_from(atc).unwrap();
            self.ask(owner, Wish::EmvVerify(chip, atc, chip.arqc(atc)));
        }
        self.clock.set = 0;
        if self.trace.counted("cryptograms of cards accepted") != before {
            fail(None, "a card's cryptogram was accepted again in the end".to_owned());
        }
    }

    /// Every token that can be paid with is paid with.
    fn pay_once_more(&mut self, owner: usize) {
        for at in 0..self.market.tokens.len() {
            let held = self.market.tokens[at].clone();
            let payer = Payer { token: held.token, trid: held.trid, expiry: held.expiry };
            let coins = self.model.facts.coins();
            self.ask(owner, Wish::ClearShortLock(held.token));
            self.ask(owner, Wish::Issue(payer, held.short_payment()));
            if self.model.facts.coins() > coins {
                let cryptogram = self.model.facts.newest_coin();
                let Some((payer, payment)) = self.model.facts.good(&cryptogram) else { continue };
                let before = self.trace.counted("cryptograms accepted");
                self.ask(owner, Wish::Verify(payer, payment, cryptogram));
                if self.trace.counted("cryptograms accepted") == before {
                    fail(self.model.facts.id(held.token), "a fresh cryptogram is refused".to_owned());
                }
            }
        }
    }

    /// Asks and waits, with nobody else about.
    fn ask(&mut self, client: usize, wish: Wish) {
        let request = self.request(client, wish, None);
        self.arrive(Rc::clone(&request));
        self.finish();
    }

    /// Lets the server do all that it has to do.
    fn finish(&mut self) {
        while self.server.up.as_ref().is_some_and(|up| up.oldest().is_some() || !up.is_idle()) {
            let Some((at, event)) = self.agenda.next() else {
                fail(None, "an answer is owed, and nothing happens any more".to_owned());
            };
            self.clock.ms = at;
            self.happen(event);
        }
    }
}
