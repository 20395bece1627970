//! Where the anchor is kept, and who keeps it: `daemon/anchor/keeper.rs` in
//! simulated time.

use tallystick::engine::Anchor;
use tallystick::store::{ChainHead, Store};

use crate::trace::fail;
use crate::world::{Event, World};

/// For how long the anchor may fail before no new work is taken on.
const PATIENCE: u64 = 10_000;

/// How the place is just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// It neither reads nor writes.
    Gone,
    /// It keeps what it is given and then fails to say so.
    Mute,
}

/// The place that keeps the anchor.
#[derive(Debug, Default)]
pub struct Place {
    pub bytes: Option<[u8; Anchor::LEN]>,
    pub mood: Mood,
    /// What it kept before.
    pub history: Vec<[u8; Anchor::LEN]>,
}

impl Place {
    fn keep(&mut self, bytes: [u8; Anchor::LEN]) {
        if let Some(old) = self.bytes.replace(bytes) {
            self.history.push(old);
        }
        if self.history.len() > 64 {
            self.history.remove(0);
        }
    }

    /// Keeps an anchor; whether it says so.
    pub fn write(&mut self, bytes: [u8; Anchor::LEN]) -> bool {
        match self.mood {
            Mood::Gone => false,
            Mood::Mute => {
                self.keep(bytes);
                false
            }
            Mood::Well => {
                self.keep(bytes);
                true
            }
        }
    }
}

/// How far the anchor is known to have come.
#[derive(Debug)]
pub struct Keeper {
    head: ChainHead,
    anchored: u64,
    failing_since: Option<u64>,
    /// What is being written, and of which group.
    writing: Option<([u8; Anchor::LEN], u64)>,
    rests_until: u64,
}

impl Keeper {
    pub fn new(head: ChainHead) -> Self {
        Self { head, anchored: head.number.0, failing_since: None, writing: None, rests_until: 0 }
    }

    pub fn anchored(&self) -> tallystick::store::GroupNumber {
        tallystick::store::GroupNumber(self.anchored)
    }

    pub fn is_failing(&self, now: u64) -> bool {
        self.failing_since.is_some_and(|since| now - since >= PATIENCE)
    }

    /// What was being written when it all ended.
    pub fn unfinished(&self) -> Option<[u8; Anchor::LEN]> {
        self.writing.map(|(bytes, _)| bytes)
    }
}

impl World {
    /// A newer group is durable.
    pub fn tell_keeper(&mut self, head: ChainHead) {
        let Some(up) = &mut self.server.up else { return };
        up.keeper.head = head;
        if up.keeper.writing.is_none() {
            let wait = up.keeper.rests_until.saturating_sub(self.clock.ms);
            self.agenda.after(wait, Event::Anchor(self.server.start));
        }
    }

    /// The bytes that the anchor should hold.
    pub fn anchor_bytes(&self, head: ChainHead) -> Option<[u8; Anchor::LEN]> {
        let keyring = &self.server.keyring;
        let token_key = keyring.token_derivation.active().0;
        let epoch = self.server.up.as_ref()?.store.epoch();
        Some(Anchor { epoch, head, token_key }.to_bytes(keyring))
    }

    /// The keeper begins to write, unless it is at it or has told everything.
    pub fn begin_anchor(&mut self) {
        let Some(head) = self.server.up.as_ref().map(|up| up.keeper.head) else { return };
        let Some(bytes) = self.anchor_bytes(head) else { return };
        let Some(up) = &mut self.server.up else { return };
        let keeper = &mut up.keeper;
        if keeper.writing.is_some() || head.number.0 <= keeper.anchored || self.clock.ms < keeper.rests_until
        {
            return;
        }
        keeper.writing = Some((bytes, head.number.0));
        let latency = self.trouble.anchor_latency();
        self.agenda.after(latency, Event::Anchored(self.server.start));
    }

    /// The place is done with what was written, one way or the other.
    pub fn end_anchor(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        let Some((bytes, number)) = up.keeper.writing.take() else {
            fail(None, "no anchor was being written".to_owned());
        };
        let place = &mut self.server.place;
        if place.write(bytes) {
            (up.keeper.anchored, up.keeper.failing_since) = (number, None);
            self.trace.count("anchors written");
        } else {
            self.trace.count("anchors that failed");
            up.keeper.failing_since.get_or_insert(self.clock.ms);
        }
        self.trace.tell(self.clock.ms, None, format!("anchor of group {number}, {:?}", place.mood));
        let interval = self.trouble.anchor_interval;
        up.keeper.rests_until = self.clock.ms + interval;
        self.agenda.after(interval, Event::Anchor(self.server.start));
    }
}
