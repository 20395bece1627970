//! One file: what is seen of it, what is durable, and what lies between.

use fastrand::Rng;

use super::outage::{self, Image, Style};

/// A change of a file that is not durable yet.
#[derive(Debug, Clone)]
pub enum Change {
    Write { offset: usize, data: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, Default)]
pub struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl File {
    pub fn durable(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), durable: bytes, pending: Vec::new() }
    }

    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.pending.push(change);
    }

    pub fn sync(&mut self) {
        for change in self.pending.drain(..) {
            apply(&mut self.durable, &change);
        }
    }

    /// Lets part of what is pending become durable and forgets the rest.
    pub fn forget(&mut self, style: Style, rng: &mut Rng) {
        self.durable = self.after_outage(style, rng);
        self.pending.clear();
    }

    pub fn after_outage(&self, style: Style, rng: &mut Rng) -> Vec<u8> {
        outage::image(&self.durable, &self.pending, style, rng)
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let mut image = Image::new(std::mem::take(bytes), None);
    image.apply(change, |_| true);
    *bytes = image.into_bytes();
}
