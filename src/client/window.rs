//! How much may be written before something must be read.
//!
//! A client of one thread must never wait in a write that only a read of its own
//! could end. The daemon may stop reading whenever its replies are not taken, so
//! the client writes only what the kernel takes in without the daemon's help:
//!
//! - If nothing that was written is unanswered, the daemon has nothing to send
//!   and reads. A write is then a single frame, or small; a daemon answers no
//!   frame before it has read all of it, so the write comes to its end.
//! - Otherwise everything unanswered and the new write must fit the socket's send
//!   buffer together. What was answered was read, so it takes no room there.
//!
//! Whatever does not fit stays with the client until answers have made room.
//! On streams with a smaller buffer than Linux gives a Unix socket this holds as
//! long as the replies under way fit the other direction's buffer; a write
//! timeout ends what does not.

use std::collections::VecDeque;

use crate::wire::Opcode;

/// Most that what is unanswered may cost. A Unix socket of Linux takes 212,992
/// bytes by default; the rest is for a block that was read in part.
const LIMIT: usize = 163_840;
/// What a write costs the kernel beside its bytes.
const WRITE: usize = 1024;
/// What a byte costs: blocks are rounded up to powers of two.
const BYTE: usize = 2;
/// Most bytes of a write that holds more than one frame.
const SMALL: usize = 16_384;

/// A request under way.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: u64,
    opcode: Opcode,
    cost: usize,
}

/// The requests under way, by growing id, and what they cost.
#[derive(Debug, Default)]
pub(super) struct Window {
    waiting: VecDeque<Waiting>,
    /// Cost of what is not written yet.
    queued: usize,
    /// Cost of what is written and unanswered.
    written: usize,
}

impl Window {
    /// Whether a frame of `size` bytes may join `held` bytes in one write.
    pub const fn may_join(size: usize, held: usize) -> bool {
        held == 0 || held + size <= SMALL
    }

    /// Takes note of a frame of `size` bytes that joins `held` unwritten ones.
    pub fn queue(&mut self, id: u64, opcode: Opcode, size: usize, held: usize) {
        let cost = size.saturating_mul(BYTE).saturating_add(if held == 0 { WRITE } else { 0 });
        self.queued = self.queued.saturating_add(cost);
        self.waiting.push_back(Waiting { id, opcode, cost });
    }

    /// Whether what is queued may be written now.
    pub const fn may_write(&self) -> bool {
        self.written == 0 || self.written.saturating_add(self.queued) <= LIMIT
    }

    /// Takes note that what was queued is written.
    pub const fn wrote(&mut self) {
        self.written = self.written.saturating_add(self.queued);
        self.queued = 0;
    }

    /// Takes note of an answer: the opcode of its request, if one waits with this id.
    pub fn answered(&mut self, id: u64) -> Option<Opcode> {
        let first = self.waiting.front().is_some_and(|waiting| waiting.id == id);
        let at = if first { 0 } else { self.waiting.binary_search_by_key(&id, |waiting| waiting.id).ok()? };
        let waiting = self.waiting.remove(at)?;
        self.written = self.written.saturating_sub(waiting.cost);
        Some(waiting.opcode)
    }

    /// Requests under way.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The opcode of the oldest request under way.
    pub fn oldest(&self) -> Option<Opcode> {
        self.waiting.front().map(|waiting| waiting.opcode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_small_frames_go_out_in_few_writes_and_many_writes_do_not() {
        let (mut together, mut apart) = (Window::default(), Window::default());
        let (mut held, mut writes) = (0, 0);
        for id in 1..=1024 {
            if !Window::may_join(60, held) {
                together.wrote();
                (held, writes) = (0, writes + 1);
            }
            together.queue(id, Opcode::Issue, 60, held);
            held += 60;
            assert!(together.may_write());
        }
        assert_eq!(writes, 3);
        let fit = (1..=1024).take_while(|id| {
            apart.queue(*id, Opcode::Issue, 60, 0);
            let may = apart.may_write();
            apart.wrote();
            may
        });
        assert_eq!(fit.count(), LIMIT / (WRITE + 60 * BYTE));
    }

    #[test]
    fn a_large_frame_goes_alone_and_when_nothing_waits() {
        let mut window = Window::default();
        assert!(Window::may_join(1 << 20, 0) && !Window::may_join(1 << 20, 1));
        window.queue(1, Opcode::Issue, 60, 0);
        window.wrote();
        window.queue(2, Opcode::IssueBatch, 1 << 20, 0);
        assert!(!window.may_write());
        assert_eq!(window.answered(1), Some(Opcode::Issue));
        assert!(window.may_write());
    }

    #[test]
    fn answers_are_matched_by_id_in_any_order() {
        let mut window = Window::default();
        for id in [3, 5, 9] {
            window.queue(id, Opcode::Ping, 16, 0);
        }
        window.wrote();
        assert_eq!(window.answered(4), None);
        for id in [5, 9, 3] {
            assert_eq!(window.answered(id), Some(Opcode::Ping));
            assert_eq!(window.answered(id), None);
        }
        assert_eq!((window.written, window.len()), (0, 0));
    }
}
