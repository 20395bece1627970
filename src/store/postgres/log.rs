//! The shared log as this node sees it: taking turns, following, appending, and finding out
//! what became of a group whose commit was not answered.

use super::super::{Epoch, Follow, Group, Load, StoreError};
use super::fault::Fault;
use super::head::{self, Head};
use super::line::Line;
use super::session::Session;
use super::statement::{COMMIT, DRAW_EPOCH, HEAD, SET_NODE};
use super::turn::{self, Found, Turn};
use super::value::{Value, number};
use super::{NodeName, append, load};

/// The log.
pub(super) struct Log {
    pub(super) line: Line,
    pub(super) node: NodeName,
    pub(super) epoch: Epoch,
    /// As of the last group that was loaded, followed or appended.
    pub(super) head: Head,
}

/// What was found behind the lock, for a group to be appended.
enum Place {
    /// The group stands there: its commit was done, though nobody answered.
    Taken(Head),
    /// It can be appended now.
    Free(Head),
}

impl Log {
    /// Takes the turn, and follows what others appended.
    pub(super) fn turn(&mut self, sink: &mut dyn Follow) -> Result<(), StoreError> {
        let Self { line, node, epoch, head } = self;
        if line.turn == Turn::Held {
            return Ok(());
        }
        line.patiently(|line| {
            let asked = line.turn == Turn::Asked;
            let session = line.session()?;
            if !asked {
                turn::ask(session, node.as_str(), head.chain.number)?;
                session.send()?;
            }
            let found = turn::found(session)?;
            check_epoch(&found, *epoch)?;
            turn::follow(session, &found, &mut head.chain, sink)?;
            *head = found.head;
            line.turn = Turn::Held;
            Ok(())
        })
    }

    /// Gives the turn back. If the connection is lost over it, the turn is over as well.
    pub(super) fn rest(&mut self) {
        if self.line.rest().is_err() {
            self.line.lose();
        }
        self.line.turn = Turn::Away;
    }

    /// Appends a group, and asks for another turn behind it if one is wanted.
    pub(super) fn append(&mut self, group: &Group, wanted: bool) -> Result<(), StoreError> {
        let Self { line, node, epoch, head } = self;
        group.check(head.chain.number, *epoch, *epoch)?;
        if group.before != head.chain.mac {
            return Err(StoreError::OutOfOrder);
        }
        // Whether someone else's group in this one's place undoes what was decided here.
        let decided = matches!(line.turn, Turn::Held | Turn::Lost);
        let mut sent = false;
        *head = line.patiently(|line| {
            let mut at = *head;
            if line.turn != Turn::Held {
                at = match place(line, node, *epoch, head, group, sent)? {
                    Some(Place::Taken(head)) => return Ok(head),
                    Some(Place::Free(head)) => head,
                    None if decided || sent => return Err(StoreError::Fenced.into()),
                    None => return Err(StoreError::OutOfOrder.into()),
                };
            }
            let session = line.session()?;
            let written = append::write(session, &at, group)?;
            if wanted {
                turn::ask(session, node.as_str(), group.number)?;
            }
            sent = true;
            session.send()?;
            let moved = append::read(session, &written, group)?;
            line.turn = if wanted { Turn::Asked } else { Turn::Away };
            Ok(moved)
        })?;
        Ok(())
    }

    /// Draws an epoch above `floor` for this node. If it had one, that must still be the
    /// newest of its name.
    pub(super) fn draw_epoch(&mut self, floor: Epoch, had: Option<Epoch>) -> Result<(), StoreError> {
        let name = self.node.clone();
        self.epoch = self.change(had, |session, found| {
            let next = found.newest.max(floor).0.checked_add(1).filter(|next| i64::try_from(*next).is_ok());
            let next = next.ok_or(StoreError::Corrupt("the epochs are used up"))?;
            session.call(&DRAW_EPOCH, &[number(next)?])?;
            session.call(&SET_NODE, &[Value::Text(name.as_str()), number(next)?])?;
            session.sync();
            session.send()?;
            if (session.count()?, session.count()?) != (1, 1) {
                return Err(StoreError::Corrupt("the database has no head").into());
            }
            session.ready()?;
            Ok(Epoch(next))
        })?;
        Ok(())
    }

    /// Writes something that is no group: under the head's lock, in a transaction of its own,
    /// or in the turn's if this node has it.
    pub(super) fn change<T>(
        &mut self,
        ours: Option<Epoch>,
        mut act: impl FnMut(&mut Session, &Found) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let Self { line, node, head, .. } = self;
        line.patiently(|line| {
            line.settle()?;
            let held = line.turn == Turn::Held;
            let session = line.session()?;
            if held {
                // Whoever has the turn is not fenced.
                session.call(&HEAD, &[])?;
                session.sync();
                session.send()?;
                let row = session.one()?;
                let (head, newest) = head::read(row.as_ref())?;
                session.ready()?;
                return act(session, &Found { head, newest, node: ours });
            }
            turn::ask(session, node.as_str(), head.chain.number)?;
            session.send()?;
            let found = turn::found(session)?;
            while session.row()?.is_some() {}
            session.ready()?;
            if let Some(ours) = ours {
                check_epoch(&found, ours)?;
            }
            let done = act(session, &found)?;
            session.call(&COMMIT, &[])?;
            session.sync();
            session.send()?;
            session.done("COMMIT")?;
            session.ready()?;
            Ok(done)
        })
    }

    /// Reads something.
    pub(super) fn read<T>(
        &mut self,
        mut act: impl FnMut(&mut Session) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.line.patiently(|line| {
            line.settle()?;
            act(line.session()?)
        })
    }

    /// Loads everything. What was handed over once cannot be again, so a connection that
    /// breaks ends it.
    pub(super) fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        let Self { line, head, .. } = self;
        let found = line.patiently(|line| {
            line.settle()?;
            let held = line.turn == Turn::Held;
            let found = load::begin(line.session()?, held)?;
            found.0.check_holds(&head.chain)?;
            Ok(found)
        })?;
        let held = line.turn == Turn::Held;
        let session = line.session()?;
        // However much there is: only a pause in it is limited.
        session.set_deadline(None);
        let loaded = load::load(session, found, sink).and_then(|()| load::end(session, held));
        if loaded.is_err() {
            line.lose();
        }
        loaded?;
        *head = found.0;
        Ok(())
    }
}

/// Takes the turn for a group, and looks what stands in its place: none if a group of
/// someone else's does.
fn place(
    line: &mut Line,
    node: &NodeName,
    epoch: Epoch,
    seen: &Head,
    group: &Group,
    sent: bool,
) -> Result<Option<Place>, Fault> {
    let asked = line.turn == Turn::Asked;
    let session = line.session()?;
    if !asked {
        turn::ask(session, node.as_str(), seen.chain.number)?;
        session.send()?;
    }
    let found = turn::found(session)?;
    let mut next = None;
    while let Some(row) = session.row()? {
        let stored = turn::group(&mut row.columns(), found.newest)?;
        next = next.or(Some((stored.number, stored.mac)));
    }
    session.ready()?;
    line.turn = Turn::Held;
    if sent && next == Some((group.number, group.mac)) {
        // A lock is written too, so ending it waits for the replica, and all before it.
        line.session()?.take_warning();
        line.rest()?;
        line.session()?.check_warning()?;
        return Ok(Some(Place::Taken(Head { chain: group.head(), ..found.head })));
    }
    check_epoch(&found, epoch)?;
    found.head.check_holds(&seen.chain)?;
    if sent && found.head.chain != seen.chain && next.is_none_or(|(number, _)| number != group.number) {
        return Err(Fault::Refused("whether a group was committed cannot be told any more"));
    }
    if found.head.chain == seen.chain { Ok(Some(Place::Free(found.head))) } else { Ok(None) }
}

fn check_epoch(found: &Found, ours: Epoch) -> Result<(), StoreError> {
    if found.node == Some(ours) { Ok(()) } else { Err(StoreError::Fenced) }
}
