//! Requests come to the engine, and answers leave it.

use std::rc::Rc;

use tallystick::command::{Command, Refusal, Reply};
use tallystick::engine::{Context, Fetched, Mint, Need, Outcome, Proof};
use tallystick::store::{Store, TokenRow};
use tallystick::types::UnixTime;
use tallystick::wire::{Message, Opcode, Status, decode_message, encode_reply};

use super::{Answer, Committer, Sent, Up, Waiting};
use crate::model::Asked;
use crate::trace::{fail, short};
use crate::wish::Request;
use crate::world::{Event, World};

impl World {
    /// A request arrives. Whoever finds nobody at home hears nothing.
    pub fn arrive(&mut self, request: Rc<Request>) {
        if self.server.up.is_none() {
            self.trace.count("requests that found nobody");
            return;
        }
        self.server.sendings += 1;
        let sent = Sent { sending: self.server.sendings, request, arrived: self.clock.ms };
        self.execute(Rc::new(sent), Fetched::Nothing);
    }

    /// Decides a request, or finds out what must be read first.
    pub fn execute(&mut self, sent: Rc<Sent>, fetched: Fetched) {
        let Some(up) = &mut self.server.up else { return };
        let request = Rc::clone(&sent.request);
        let request = &request;
        let peer = &self.clients[request.client].peer;
        let asked = Asked { peer, request, now: self.clock.wall(), rows: &rows_of(&fetched) };
        if !self.model.can_tell(&asked) {
            self.trace.count("requests dropped as their answer hangs on chance");
            return;
        }
        let Ok(Message::Engine(message)) = decode_message(request.opcode, &request.body) else {
            fail(None, format!("our own request cannot be read: {:?}", request.wish));
        };
        let context = Context {
            now: UnixTime::from_seconds(self.clock.wall()),
            random: &self.server.random,
            caller: &self.clients[request.client].caller,
        };
        let mint = Mint::new(&self.server.keyring);
        let proof = match &message.command {
            // As the daemon does; without one the engine makes its own.
            Command::Verify(verify) if !sent.sending.is_multiple_of(3) => Some(mint.prove(verify)),
            command if !sent.sending.is_multiple_of(3) => mint.prove_field(command).map(Proof::Field),
            _ => None,
        };
        let before = up.engine.horizon();
        let outcome = up.engine.execute(context, &message, proof, &fetched);
        let after = up.engine.horizon();
        let pending = match outcome {
            Outcome::Answer(pending) => pending,
            Outcome::Fetch(need) => {
                if after != before {
                    fail(None, format!("something was changed before a fetch: {:?}", request.wish));
                }
                self.fetch(sent, need);
                return;
            }
        };
        let mut decision = self.model.decide(&asked);
        let group = pending.group().0;
        if group < self.model.newest().unwrap_or(0) {
            fail(
                None,
                format!("an answer would leave with group {group}, before what it rests on is durable"),
            );
        }
        let changed = self.model.take(&mut decision, group);
        let taken = up.chain.head().number.0;
        if changed && group != taken + 1 {
            fail(
                None,
                format!(
                    "a change is to be durable with group {group}, but {} is open: {}",
                    taken + 1,
                    request.about()
                ),
            );
        }
        let about = self.about(&sent.request);
        self.trace.tell(self.clock.ms, about, format!("decided {}, group {group}", sent.request.about()));
        let waiting = Waiting { sent, pending: pending.compute(&mint), decision };
        self.answer(waiting);
        self.summon();
    }

    fn fetch(&mut self, sent: Rc<Sent>, need: Need) {
        self.trace.count("rows fetched");
        self.trace.tell(self.clock.ms, None, format!("{} needs {need:?}", sent.request.about()));
        let Some(up) = &mut self.server.up else { return };
        up.questions.push((sent, need));
        self.summon();
    }

    /// Wakes the committer if it sleeps.
    pub fn summon(&mut self) {
        let start = self.server.start;
        let Some(up) = &mut self.server.up else { return };
        if matches!(up.committer, Committer::Idle) {
            up.committer = Committer::Summoned;
            self.agenda.after(0, Event::Wake(start));
        }
    }

    /// Reads what was asked for. It comes to the desk a little later, when it may
    /// be stale.
    pub fn answer_questions(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        for (sent, need) in std::mem::take(&mut up.questions) {
            let fetched = read(up, need);
            let delay = if self.network.chance(100) {
                self.network.between(20, 400)
            } else {
                self.network.between(0, 3)
            };
            self.agenda.after(delay, Event::Read(self.server.start, sent, fetched));
        }
    }

    /// Opens an answer if the receipt at hand does; else it waits.
    fn answer(&mut self, waiting: Waiting) {
        let Some(up) = &mut self.server.up else { return };
        let Waiting { sent, pending, decision } = waiting;
        match pending.open(&up.receipt) {
            Ok(answer) => self.leave(&sent, answer, decision),
            Err(pending) => up.waiting.push_back(Waiting { sent, pending, decision }),
        }
    }

    /// Opens whatever a new receipt covers.
    pub fn open_waiting(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        for waiting in std::mem::take(&mut up.waiting) {
            self.answer(waiting);
        }
    }

    /// An answer leaves: it is checked, entered, and sent.
    fn leave(&mut self, sent: &Rc<Sent>, answer: Result<Reply, Refusal>, decision: crate::model::Decision) {
        let request = &sent.request;
        let about = self.about(request);
        let told = |what: String| format!("answered {}: {what}", request.about());
        let answer: Answer = match (&decision.expected, answer) {
            (Ok(expected), Ok(reply)) => {
                let mut bytes = Vec::new();
                encode_reply(&mut bytes, &reply);
                self.trace.tell(self.clock.ms, about, told(short(&bytes)));
                self.trace.tell_bytes(&bytes);
                self.model.check(expected, &reply, &bytes);
                let peer = &self.clients[request.client].peer.name;
                self.ledger.enter(peer, sent.sending, request, &reply, &bytes);
                Ok(bytes)
            }
            (Err(expected), Err(refusal)) if *expected == refusal => {
                self.trace.tell(self.clock.ms, about, told(format!("{refusal:?}")));
                Err(refusal)
            }
            (expected, answer) => {
                let answer = answer.map(|_| "an answer");
                fail(about, format!("{}: expected {expected:?}, got {answer:?}", request.about()));
            }
        };
        self.tally(request, &answer);
        self.send_back(sent, answer);
    }

    /// Counts an answer by what it is.
    fn tally(&mut self, request: &Request, answer: &Answer) {
        match answer {
            Ok(_) => self.trace.count_of("answered", request.opcode.name()),
            Err(refusal) => self.trace.count_of("refused", Status::from(*refusal).name()),
        }
        if answer.is_ok() && request.opcode == Opcode::Verify {
            self.trace.count("cryptograms accepted");
        }
        if answer.is_ok() && request.opcode == Opcode::EmvVerify {
            self.trace.count("cryptograms of cards accepted");
        }
    }

    /// The slot of the token that a request is about.
    fn about(&self, request: &Request) -> Option<usize> {
        request.wish.token().and_then(|token| self.model.facts.id(token))
    }
}

/// Reads from the store, on the committer's turn.
fn read(up: &mut Up, need: Need) -> Fetched {
    let read = match need {
        Need::Row(slot) => up.store.token(slot).map(|row| row.map_or(Fetched::Nothing, Fetched::Row)),
        Need::Rows { trid, after, limit } => up.store.tokens_of(trid, after, limit).map(Fetched::Rows),
        Need::Range { after, limit } => up.store.tokens_after(after, limit).map(Fetched::Rows),
    };
    read.unwrap_or_else(|error| fail(None, format!("a healthy store does not read: {error}")))
}

fn rows_of(fetched: &Fetched) -> Vec<(usize, u16)> {
    let of = |row: &TokenRow| (row.slot.0 as usize, row.revision);
    match fetched {
        Fetched::Rows(rows) => rows.iter().map(of).collect(),
        _ => Vec::new(),
    }
}
