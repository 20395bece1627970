//! What an outage leaves of a file.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::SECTOR;
use super::file::Change;

/// How much of what was pending is there after an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Nothing,
    Everything,
    /// All but the last change, of which there are some sectors.
    LastTorn,
    /// The first changes, then one torn.
    Prefix,
    /// Any changes in any order, some of them torn.
    Subset,
    /// Each sector as it was at a moment of its own, as a cache writes back.
    Sectors,
}

impl Style {
    pub const ALL: [Self; 6] =
        [Self::Nothing, Self::Everything, Self::LastTorn, Self::Prefix, Self::Subset, Self::Sectors];

    pub fn any(rng: &mut Rng) -> Self {
        Self::ALL[rng.usize(..Self::ALL.len())]
    }
}

/// What is found of a file that had `durable` bytes and `pending` changes.
pub fn image(durable: &[u8], pending: &[Change], style: Style, rng: &mut Rng) -> Vec<u8> {
    let stale = matches!(style, Style::Subset | Style::Sectors) && rng.bool();
    let mut image = Image::new(durable.to_vec(), stale.then(|| rng.fork()));
    match style {
        Style::Nothing => {}
        Style::Everything => whole(&mut image, pending),
        Style::LastTorn => prefix(&mut image, pending, pending.len().saturating_sub(1), rng),
        Style::Prefix => prefix(&mut image, pending, rng.usize(..=pending.len()), rng),
        Style::Subset => subset(&mut image, pending, rng),
        Style::Sectors => sectors(&mut image, pending, rng),
    }
    image.into_bytes()
}

fn whole(image: &mut Image, changes: &[Change]) {
    for change in changes {
        image.apply(change, |_| true);
    }
}

fn prefix(image: &mut Image, pending: &[Change], kept: usize, rng: &mut Rng) {
    whole(image, &pending[..kept]);
    if let Some(torn) = pending.get(kept) {
        image.apply(torn, |_| rng.bool());
    }
}

fn subset(image: &mut Image, pending: &[Change], rng: &mut Rng) {
    let mut order: Vec<&Change> = pending.iter().collect();
    rng.shuffle(&mut order);
    for change in order {
        match rng.u8(..3) {
            0 => {}
            1 => image.apply(change, |_| true),
            _ => image.apply(change, |_| rng.bool()),
        }
    }
}

/// Each sector has had some number of the changes that touch it, and the length
/// some number of those that move it.
fn sectors(image: &mut Image, pending: &[Change], rng: &mut Rng) {
    let mut touched: BTreeMap<usize, usize> = BTreeMap::new();
    for change in pending {
        for sector in sectors_of(change) {
            *touched.entry(sector).or_default() += 1;
        }
    }
    let mut left: BTreeMap<usize, usize> =
        touched.into_iter().map(|(sector, count)| (sector, rng.usize(..=count))).collect();
    let len = length_after(image.bytes.len(), pending, rng);
    for change in pending {
        let kept: BTreeSet<usize> =
            sectors_of(change).filter(|sector| left.get_mut(sector).is_some_and(take_one)).collect();
        if matches!(change, Change::Write { .. }) {
            image.apply(change, |sector| kept.contains(&sector));
        }
    }
    image.apply(&Change::Length(len), |_| true);
}

fn take_one(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn length_after(mut len: usize, pending: &[Change], rng: &mut Rng) -> usize {
    for change in &pending[..rng.usize(..=pending.len())] {
        len = match change {
            Change::Write { offset, data } => len.max(offset + data.len()),
            Change::Length(len) => *len,
        };
    }
    len
}

fn sectors_of(change: &Change) -> impl Iterator<Item = usize> + use<> {
    match change {
        Change::Write { offset, data } if !data.is_empty() => {
            offset / SECTOR..(offset + data.len()).div_ceil(SECTOR)
        }
        _ => 0..0,
    }
}

/// A file under way.
pub struct Image {
    bytes: Vec<u8>,
    /// If any, what lies where nothing was written yet is not zeros but this.
    stale: Option<Rng>,
}

impl Image {
    pub const fn new(bytes: Vec<u8>, stale: Option<Rng>) -> Self {
        Self { bytes, stale }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Applies the sectors of a change that are kept; a length is kept or not.
    pub fn apply(&mut self, change: &Change, mut keep: impl FnMut(usize) -> bool) {
        match change {
            Change::Length(len) if keep(0) => self.resize(*len),
            Change::Length(_) => {}
            Change::Write { offset, data } => {
                for sector in sectors_of(change).filter(|sector| keep(*sector)) {
                    let from = (sector * SECTOR).max(*offset);
                    let to = ((sector + 1) * SECTOR).min(offset + data.len());
                    if self.bytes.len() < to {
                        self.resize(to);
                    }
                    self.bytes[from..to].copy_from_slice(&data[from - offset..to - offset]);
                }
            }
        }
    }

    fn resize(&mut self, len: usize) {
        let old = self.bytes.len();
        self.bytes.truncate(len);
        // Unoptimised, `resize` goes byte by byte.
        self.bytes.extend_from_slice(&vec![0; len.saturating_sub(old)]);
        if let Some(stale) = &mut self.stale
            && old < len
        {
            stale.fill(&mut self.bytes[old..]);
        }
    }
}
