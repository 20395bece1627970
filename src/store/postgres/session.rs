//! A session: statements that are prepared once, sent together, answered in order.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use postgres_protocol::Oid;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::fault::Fault;
use super::row::Row;
use super::value::Value;
use super::wire::{Connector, Wire};

/// A statement with a name, under which each session prepares it when it is first used.
pub(super) struct Statement {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    pub(super) types: &'static [Oid],
}

/// What the server will answer next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Call,
    Ready,
}

/// A session. After any fault it is of no use: nobody can tell which answer is next.
pub(super) struct Session {
    wire: Wire,
    prepared: BTreeSet<&'static str>,
    expected: VecDeque<Expected>,
    tag: String,
}

impl Session {
    /// Connects.
    pub(super) fn open(connector: &Connector) -> Result<Self, Fault> {
        connector.connect().map(Self::of)
    }

    /// Begins on a connection that is logged in.
    pub(super) fn of(wire: Wire) -> Self {
        Self { wire, prepared: BTreeSet::new(), expected: VecDeque::new(), tag: String::new() }
    }

    /// Gives what follows until `until`.
    pub(super) fn set_deadline(&mut self, until: Option<Instant>) {
        self.wire.set_deadline(until);
    }

    /// Writes a call of a statement behind what is to be sent.
    pub(super) fn call(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<(), Fault> {
        let out = self.wire.out();
        if self.prepared.insert(statement.name) {
            let types = statement.types.iter().copied();
            frontend::parse(statement.name, statement.sql, types, out).map_err(|_| TOO_LARGE)?;
        }
        let values = values.iter().copied();
        frontend::bind("", statement.name, [1], values, Value::write, [1], out).map_err(|_| TOO_LARGE)?;
        frontend::execute("", 0, out).map_err(|_| TOO_LARGE)?;
        self.expected.push_back(Expected::Call);
        Ok(())
    }

    /// Ends a run of calls: after a failed one, those up to here are not done.
    pub(super) fn sync(&mut self) {
        frontend::sync(self.wire.out());
        self.expected.push_back(Expected::Ready);
    }

    /// Sends what was written.
    pub(super) fn send(&mut self) -> Result<(), Fault> {
        self.wire.send()
    }

    /// The next row of the call whose turn it is; none at its end.
    pub(super) fn row(&mut self) -> Result<Option<Row>, Fault> {
        if self.expected.front() != Some(&Expected::Call) {
            return Err(OUT_OF_PLACE);
        }
        loop {
            match self.wire.receive()? {
                Message::ParseComplete | Message::BindComplete => {}
                Message::DataRow(body) => return Ok(Some(Row::new(body))),
                Message::CommandComplete(body) => {
                    self.tag.clear();
                    self.tag.push_str(body.tag().map_err(|_| OUT_OF_PLACE)?);
                    self.expected.pop_front();
                    return Ok(None);
                }
                _ => return Err(OUT_OF_PLACE),
            }
        }
    }

    /// The one row that a call answers with, if it does.
    pub(super) fn one(&mut self) -> Result<Option<Row>, Fault> {
        let first = self.row()?;
        if first.is_some() && self.row()?.is_some() {
            return Err(OUT_OF_PLACE);
        }
        Ok(first)
    }

    /// Reads on to the end of a call that must answer with this tag.
    pub(super) fn done(&mut self, tag: &str) -> Result<(), Fault> {
        match self.row()? {
            None if self.tag == tag => Ok(()),
            _ => Err(Fault::Protocol("a statement did something else than it should")),
        }
    }

    /// Reads on to the end of a call, and says how many rows it changed.
    pub(super) fn count(&mut self) -> Result<u64, Fault> {
        if self.row()?.is_some() {
            return Err(OUT_OF_PLACE);
        }
        self.tag.rsplit(' ').next().and_then(|count| count.parse().ok()).ok_or(OUT_OF_PLACE)
    }

    /// Reads the end of a run of calls.
    pub(super) fn ready(&mut self) -> Result<(), Fault> {
        if self.expected.pop_front() != Some(Expected::Ready) {
            return Err(OUT_OF_PLACE);
        }
        match self.wire.receive()? {
            Message::ReadyForQuery(_) => Ok(()),
            _ => Err(OUT_OF_PLACE),
        }
    }

    /// Whether the server warned of something since this was last asked.
    pub(super) fn take_warning(&mut self) -> bool {
        self.wire.take_warning()
    }

    /// Refuses a commit with a warning: so a server tells that it gave up waiting for its
    /// replica, and then a failover would take the commit back.
    pub(super) fn check_warning(&mut self) -> Result<(), Fault> {
        if self.take_warning() {
            return Err(Fault::Refused(
                "the database committed, with a warning: its replica may not have it",
            ));
        }
        Ok(())
    }
}

impl Drop for Session {
    /// Says good-bye, so that the server need not wonder.
    fn drop(&mut self) {
        if self.expected.is_empty() {
            self.wire.out().clear();
            frontend::terminate(self.wire.out());
            // It may be gone already, which is what was wanted.
            let _gone = self.wire.send();
        }
    }
}

const OUT_OF_PLACE: Fault = Fault::Protocol("an answer is out of place");
const TOO_LARGE: Fault = Fault::Refused("a value is too large to be sent to the database");
