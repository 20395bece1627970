//! What the client knows of the counters of cards, and what cannot be. Pure.

use std::collections::BTreeMap;

use tallystick::wire::Status;

/// Counters kept behind the newest consumed.
const WINDOW: u16 = 64;

/// What was seen of a card's counter.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    Issued(u16),
    Accepted(u16),
    Refused(u16, Status),
    /// Presented, and no answer came.
    Unanswered(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Unused,
    Perhaps,
    Used,
}

/// The fate of every counter of each card.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<u8, BTreeMap<u16, Fate>>);

impl Known {
    /// Takes what was seen, and tells the promise that it breaks.
    pub fn see(&mut self, card: u8, seen: Seen) -> Result<(), String> {
        let fates = self.0.entry(card).or_default();
        let (atc, fate) = match seen {
            Seen::Issued(atc) => {
                let newest = fates.last_key_value().map_or(0, |(newest, _)| *newest);
                fates.insert(atc, Fate::Unused);
                let why = format!("counter {atc} of card {card} was issued, and {newest} before");
                return if atc > newest { Ok(()) } else { Err(why) };
            }
            Seen::Accepted(atc) | Seen::Refused(atc, _) | Seen::Unanswered(atc) => {
                (atc, fates.get(&atc).copied().ok_or(format!("counter {atc} was never told"))?)
            }
        };
        let is_behind =
            |least: Fate| fates.range(atc..).any(|(newer, fate)| newer - atc > WINDOW && *fate >= least);
        let broken = match (seen, fate) {
            (Seen::Accepted(_), Fate::Used) => Some("was accepted twice".to_owned()),
            (Seen::Accepted(_), _) if is_behind(Fate::Used) => {
                Some("was accepted behind the window".to_owned())
            }
            (Seen::Refused(_, Status::Replayed), Fate::Used | Fate::Perhaps) => None,
            (Seen::Refused(_, Status::BehindWindow), _) if is_behind(Fate::Perhaps) => None,
            (Seen::Refused(_, status), _) => Some(format!("was refused: {}", status.name())),
            _ => None,
        };
        let now = match seen {
            Seen::Unanswered(_) => fate.max(Fate::Perhaps),
            // Behind the window or consumed: never again.
            _ => Fate::Used,
        };
        fates.insert(atc, now);
        broken.map_or(Ok(()), |what| Err(format!("counter {atc} of card {card} {what}")))
    }
}
