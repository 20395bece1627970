//! Whose turn it is where several nodes share a store.

use super::{Desk, Hall, Stopped};
use crate::daemon::sync::MutexGuard;
use crate::engine::OpenGroup;

/// Whether may be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody else writes to the store.
    Always,
    /// So many wait for this node's turn.
    Away(usize),
    /// It is this node's turn, and so many have yet to decide who waited for it.
    Here(usize),
}

impl Turn {
    /// Whether somebody waits for the turn to begin.
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::Away(1..))
    }
}

impl Hall {
    /// From now on nothing is decided but at this node's turn.
    pub(super) fn take_turns(&self) {
        if let Ok(mut desk) = self.desk() {
            desk.turn = Turn::Away(0);
        }
    }

    /// The desk, once it may be decided at.
    pub(super) fn at_turn(&self) -> Result<MutexGuard<'_, Desk>, Stopped> {
        let mut desk = self.desk()?;
        let Turn::Away(waiting) = desk.turn else { return Ok(desk) };
        // Whoever comes after the end is woken by nobody.
        if desk.closing {
            return Err(Stopped);
        }
        desk.turn = Turn::Away(waiting.saturating_add(1));
        self.work.notify_one();
        loop {
            desk = self.turn.wait(desk).map_err(|_| Stopped)?;
            match desk.turn {
                // The turn ends when the last of those who waited has decided; so whoever
                // waited decides in it.
                Turn::Here(left) => {
                    desk.turn = Turn::Here(left.saturating_sub(1));
                    if left <= 1 {
                        self.turn.notify_all();
                    }
                    return Ok(desk);
                }
                _ if desk.closing => return Err(Stopped),
                Turn::Away(_) => {}
                Turn::Always => return Ok(desk),
            }
        }
    }

    /// Whether somebody waits for this node's turn.
    pub(super) fn wants_turn(&self) -> bool {
        self.desk().is_ok_and(|desk| desk.turn.is_wanted())
    }

    /// Begins this node's turn, lets everybody decide who waited for it, and ends it with
    /// the group to be committed, if there is anything.
    pub(super) fn decide_in_turn(&self) -> Option<OpenGroup> {
        let mut desk = self.desk().ok()?;
        if let Turn::Away(waiting) = desk.turn {
            desk.turn = Turn::Here(waiting);
            self.turn.notify_all();
        }
        while matches!(desk.turn, Turn::Here(1..)) && !desk.closing {
            desk = self.turn.wait(desk).ok()?;
        }
        desk.turn = Turn::Away(0);
        desk.engine.tell_keyring();
        desk.engine.take_group()
    }
}
