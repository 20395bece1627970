//! The status of one token, as far as anyone can know it.

/// Changes that may be the last one that happened.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<Change>);

/// A change, or a look at what the changes before it had left.
#[derive(Debug, Clone, Copy)]
struct Change {
    sent: u64,
    ended: u64,
    /// Whether it happened for sure.
    sure: bool,
    active: bool,
}

impl History {
    pub fn note(&mut self, active: bool, sent: u64, ended: u64, sure: bool) {
        self.0.push(Change { sent, ended, sure, active });
    }

    /// Whether the token can have been in a status at some moment between these:
    /// a change made it so, and none came for sure after that one and before.
    pub fn may_be(&self, active: bool, sent: u64, ended: u64) -> bool {
        self.0.iter().any(|change| {
            let over = self.0.iter().any(|next| next.sure && next.sent > change.ended && next.ended < sent);
            change.active == active && change.sent < ended && !over
        })
    }

    /// Forgets changes that others have followed, once nothing is under way.
    pub fn settle(&mut self) {
        let all = std::mem::take(&mut self.0);
        let over = |change: &Change| all.iter().any(|next| next.sure && next.sent > change.ended);
        self.0 = all.iter().filter(|change| !over(change)).copied().collect();
    }
}
