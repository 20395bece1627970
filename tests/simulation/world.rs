//! All of it together, one event after the other.

use std::rc::Rc;

use tallystick::engine::Fetched;

use crate::agenda::Agenda;
use crate::clients::{Client, Market, peers};
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::model::{Limits, Model};
use crate::seeded::Dice;
use crate::server::{Answer, Committer, Sent, Server};
use crate::trace::{Trace, fail};
use crate::trouble::Trouble;
use crate::wish::Request;

/// Milliseconds of calm load at the end, then of quiet, in which everything that
/// is still owed must come.
const CALM: u64 = 10_000;
const QUIET: u64 = 60_000;
/// Milliseconds after which an answer that only waits for its commit is lost.
const PATIENCE: u64 = 30_000;

/// What happens. Those with a number belong to that start of the server.
pub enum Event {
    Start,
    /// A client thinks of something.
    Think(usize),
    Arrive(Rc<Request>),
    /// A row that was read comes to the desk.
    Read(u64, Rc<Sent>, Fetched),
    Hear(Rc<Request>, Rc<Answer>),
    /// A client has waited long enough for its nth try.
    Timeout(Rc<Request>, u32),
    Wake(u64),
    Room(u64),
    Append(u64),
    Settle(u64),
    Tick(u64),
    Anchor(u64),
    Anchored(u64),
    ShutDown(u64),
    Trouble,
    /// Room, anchor, network and disk are well again.
    RoomReturns,
    PlaceReturns,
    NetworkReturns,
    DiskReturns,
    /// The wall clock is set to what it was, so many seconds from the true time.
    SetClock(i64),
    /// No more trouble from here on; then no more new requests; then the end.
    Calm,
    Quiet,
    End,
}

pub struct World {
    pub clock: Clock,
    pub agenda: Agenda<Event>,
    pub trace: Trace,
    pub network: Dice,
    pub whim: Dice,
    pub clients: Vec<Client>,
    pub market: Market,
    pub server: Server,
    pub model: Model,
    pub ledger: Ledger,
    pub trouble: Trouble,
    /// Milliseconds between two requests of a client, about.
    pub pace: u64,
    /// Tokens that are saved at once in the beginning.
    pub stock: usize,
    pub is_quiet: bool,
    pub requests: u64,
    load: u64,
}

impl World {
    /// A world of this seed, under load for so many milliseconds.
    pub fn new(seed: u64, load: u64) -> Self {
        let mut dice = Dice::new(seed, "world");
        let limits = Limits {
            tokens: *dice.pick(&[150, 500, 100_000]),
            // Of its own dice, so that a world is otherwise as it was before there was this limit.
            links: *Dice::new(seed, "links").pick(&[3, 20, 100_000]),
            keys: *dice.pick(&[600, 2000, 100_000]),
            key_seconds: 86_400,
            age_slots: 144,
        };
        let journal_bytes = *dice.pick(&[200, 3000, 30_000, 300_000]);
        Self {
            clock: Clock::default(),
            agenda: Agenda::default(),
            trace: Trace::default(),
            network: Dice::new(seed, "network"),
            whim: Dice::new(seed, "whim"),
            clients: peers().into_iter().map(Client::new).collect(),
            market: Market::default(),
            server: Server::new(seed, &limits, journal_bytes),
            model: Model::new(limits),
            ledger: Ledger::default(),
            trouble: Trouble::new(seed),
            pace: *dice.pick(&[150, 250, 400]),
            stock: (*dice.pick(&[20, 120, 300, 500])).min(limits.tokens),
            is_quiet: false,
            requests: 0,
            load,
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        self.agenda.after(0, Event::Start);
        for client in 0..self.clients.len() {
            let pause = self.whim.between(1, 200);
            self.agenda.after(pause, Event::Think(client));
        }
        self.agenda.after(4000, Event::Trouble);
        self.agenda.after(self.load - CALM, Event::Calm);
        self.agenda.after(self.load, Event::Quiet);
        self.agenda.after(self.load + QUIET, Event::End);
        while let Some((at, event)) = self.agenda.next() {
            self.clock.ms = at;
            if matches!(event, Event::End) {
                return self.end();
            }
            self.happen(event);
        }
    }

    pub fn happen(&mut self, event: Event) {
        let start = self.server.start;
        match event {
            Event::Start => self.start(),
            Event::Think(client) => self.think(client),
            Event::Arrive(request) => self.arrive(request),
            Event::Hear(request, answer) => self.hear(&request, &answer),
            Event::Timeout(request, tries) => self.time_out(&request, tries),
            Event::Trouble => self.make_trouble(),
            Event::RoomReturns => self.room_returns(),
            Event::PlaceReturns => self.place_returns(),
            Event::NetworkReturns => self.trouble.loss = crate::trouble::LOSS,
            Event::DiskReturns => self.trouble.is_slow = false,
            Event::SetClock(set) => self.set_clock(set, "set back"),
            Event::Calm => self.calm_down(),
            Event::Quiet => self.is_quiet = true,
            Event::Read(of, sent, fetched) if of == start => self.execute(sent, fetched),
            Event::Wake(of) if of == start => self.wake(),
            Event::Room(of) if of == start => self.make_room(),
            Event::Append(of) if of == start => self.append(),
            Event::Settle(of) if of == start => self.settle(),
            Event::Tick(of) if of == start => {
                self.tick();
                self.check_nobody_waits_for_ever();
            }
            Event::Anchor(of) if of == start => self.begin_anchor(),
            Event::Anchored(of) if of == start => self.end_anchor(),
            Event::ShutDown(of) if of == start => self.shut_down(),
            // Of a start before: what it was about is gone.
            _ => {}
        }
    }

    /// An answer comes in time unless the disk is full.
    fn check_nobody_waits_for_ever(&self) {
        let Some(up) = &self.server.up else { return };
        let waits_for_room = matches!(up.committer, Committer::Busy(..)) && up.closed.is_some();
        if let Some(oldest) =
            up.oldest().filter(|oldest| !waits_for_room && self.clock.ms > oldest + PATIENCE)
        {
            fail(None, format!("a request that arrived at {oldest} ms still has no answer"));
        }
    }
}
