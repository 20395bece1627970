//! What a client does next.

use std::rc::Rc;

use tallystick::command::Role;

use crate::wish::{Request, Wish};
use crate::world::{Event, World};

/// Milliseconds in which the first tokens are saved.
const STOCKING: u64 = 8000;

/// What a client may have in mind, by role, and how often.
const PROVISIONER: &[(Idea, u64)] = &[
    (Idea::Save, 12),
    (Idea::Suspend, 14),
    (Idea::Resume, 20),
    (Idea::Deactivate, 2),
    (Idea::Renew, 8),
    (Idea::LinkPar, 4),
    (Idea::Show, 10),
    (Idea::List, 6),
    (Idea::AskOfCard, 4),
];
const ISSUER: &[(Idea, u64)] = &[(Idea::Issue, 60), (Idea::IssueShort, 12), (Idea::EmvIssue, 20)];
const VERIFIER: &[(Idea, u64)] = &[
    (Idea::Pay, 50),
    (Idea::PayTwice, 6),
    (Idea::Replay, 9),
    (Idea::Tamper, 6),
    (Idea::Mismatch, 8),
    (Idea::PayShort, 10),
    (Idea::Guess, 4),
    (Idea::EmvPay, 20),
    (Idea::EmvTamper, 6),
    (Idea::EmvAnswer, 8),
    (Idea::ChipPay, 8),
    (Idea::TellValue, 6),
];
const AUDITOR: &[(Idea, u64)] = &[(Idea::Show, 4), (Idea::List, 4)];
const DETOKENIZER: &[(Idea, u64)] = &[(Idea::Detokenize, 8)];
const ADMIN: &[(Idea, u64)] = &[(Idea::ClearLock, 6), (Idea::Reseal, 6)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idea {
    Save,
    Suspend,
    Resume,
    Deactivate,
    Renew,
    LinkPar,
    Show,
    List,
    AskOfCard,
    Detokenize,
    Issue,
    IssueShort,
    Pay,
    PayTwice,
    Replay,
    Tamper,
    Mismatch,
    PayShort,
    Guess,
    ClearLock,
    Reseal,
    EmvIssue,
    EmvPay,
    EmvTamper,
    EmvAnswer,
    ChipPay,
    TellValue,
}

const ALL: [(Role, &[(Idea, u64)]); 6] = [
    (Role::Provisioner, PROVISIONER),
    (Role::Issuer, ISSUER),
    (Role::Verifier, VERIFIER),
    (Role::Auditor, AUDITOR),
    (Role::Detokenizer, DETOKENIZER),
    (Role::Admin, ADMIN),
];

impl World {
    /// A client does something, and thinks again later.
    pub fn think(&mut self, client: usize) {
        if self.is_quiet {
            return;
        }
        let is_stocking =
            self.market.tokens.len() < self.stock && self.clients[client].has(Role::Provisioner);
        let pause = if is_stocking { 15 } else { self.whim.about(self.pace) + 1 };
        self.agenda.after(pause, Event::Think(client));
        // Few can wait for an answer and do more meanwhile.
        if self.clients[client].owed() < 4 {
            self.act(client);
        }
    }

    /// A client sends something new, or something old again.
    pub fn act(&mut self, client: usize) {
        if self.whim.chance(25) && !self.clients[client].past.is_empty() {
            let past = &self.clients[client].past;
            let again = Rc::clone(&past[self.whim.below(past.len())]);
            return self.send(again);
        }
        let idea = self.idea(client);
        let Some(wish) = self.wish(client, idea) else { return };
        let key = self.key_for(client, &wish);
        let request = self.request(client, wish, key);
        let twice = matches!(idea, Idea::EmvPay | Idea::ChipPay) && self.whim.chance(100);
        if idea == Idea::PayTwice || twice {
            self.race(&request);
        }
        self.send(request);
    }

    /// Another client wants the very same at the same time.
    fn race(&mut self, request: &Rc<Request>) {
        let able: Vec<_> = (0..self.clients.len()).filter(|at| self.clients[*at].verifies_all()).collect();
        let other = *self.whim.pick(&able);
        if other != request.client {
            let twin = self.request(other, request.wish.clone(), None);
            self.trace.count("cryptograms sent by two at once");
            self.send(twin);
        }
    }

    /// In the beginning tokens are needed.
    fn is_stocking(&self) -> bool {
        self.market.tokens.len() < self.stock && self.clock.ms < STOCKING
    }

    fn idea(&mut self, client: usize) -> Idea {
        let is_stocking = self.is_stocking();
        let client = &self.clients[client];
        if is_stocking && client.has(Role::Provisioner) {
            return Idea::Save;
        }
        // Who has no role at all tries everything; others now and then.
        let oversteps = client.peer.roles.is_empty() || self.whim.chance(8);
        let able = ALL.iter().filter(|(role, _)| oversteps || client.has(*role));
        let ideas: Vec<_> = able.flat_map(|(_, ideas)| ideas.iter()).collect();
        let weights: Vec<_> = ideas.iter().map(|(_, weight)| *weight).collect();
        ideas[self.whim.weighted(&weights)].0
    }

    /// An idempotency key for some requests: mostly a new one, now and then one
    /// that was used for something else.
    fn key_for(&mut self, client: usize, wish: &Wish) -> Option<Vec<u8>> {
        let only_reads = matches!(
            wish,
            Wish::Show(_) | Wish::List { .. } | Wish::Detokenize(_) | Wish::Par(_) | Wish::Fingerprint(_)
        );
        let takes_none = matches!(wish, Wish::Reseal { .. } | Wish::EmvArpc(..));
        if only_reads || takes_none || !self.whim.chance(350) {
            return None;
        }
        let client = &mut self.clients[client];
        let reuses = client.keys > 0 && self.whim.chance(40);
        if !reuses {
            client.keys += 1;
        }
        let nth = if reuses { self.whim.between(1, client.keys) } else { client.keys };
        // Every client counts from one: the names of keys are the same for all.
        Some(format!("key {nth}").into_bytes())
    }
}
