//! The way to the database: one session at a time, made anew when it breaks, for as long
//! as patience lasts.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::super::StoreError;
use super::fault::Fault;
use super::session::Session;
use super::statement::{COMMIT, TOUCH};
use super::turn::{self, Turn};
use super::value::Value;
use super::wire::Connector;
use super::{NodeName, schema};

/// Pauses between two tries: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The session, and what is under way in it.
pub(super) struct Line {
    connector: Arc<Connector>,
    node: NodeName,
    session: Option<Session>,
    /// Whether a store is being moved, which need not be whole then.
    moving: bool,
    pub(super) turn: Turn,
}

impl Line {
    pub(super) const fn new(connector: Arc<Connector>, node: NodeName) -> Self {
        Self { connector, node, session: None, moving: false, turn: Turn::Away }
    }

    /// To move a store.
    pub(super) fn moving(connector: Connector, node: NodeName) -> Self {
        Self { moving: true, ..Self::new(Arc::new(connector), node) }
    }

    /// Does something in a session, and again in another if this one broke or the server
    /// says that it may go better then. What is done must know by itself what an earlier
    /// try left behind.
    pub(super) fn patiently<T>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let until = Instant::now() + self.connector.patience();
        let (mut pause, longest) = PAUSE;
        loop {
            let fault = match self.connect(until).and_then(|()| act(self)) {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            self.lose();
            if !fault.passes() || Instant::now() + pause >= until {
                return Err(fault.into());
            }
            thread::sleep(pause);
            pause = longest.min(pause * 2);
        }
    }

    /// The session; there is one wherever [`patiently`](Self::patiently) acts.
    pub(super) fn session(&mut self) -> Result<&mut Session, Fault> {
        self.session.as_mut().ok_or(Fault::Lost(std::io::ErrorKind::NotConnected))
    }

    /// Ends a turn that is held or was asked for, without having appended.
    pub(super) fn rest(&mut self) -> Result<(), Fault> {
        if self.turn == Turn::Asked {
            let session = self.session()?;
            turn::found(session)?;
            while session.row()?.is_some() {}
            session.ready()?;
            self.turn = Turn::Held;
        }
        if self.turn == Turn::Held {
            let session = self.session()?;
            session.call(&COMMIT, &[])?;
            session.sync();
            session.send()?;
            session.done("COMMIT")?;
            session.ready()?;
            self.turn = Turn::Away;
        }
        Ok(())
    }

    /// Ends a turn that was asked for only, so that the session is free.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        if self.turn == Turn::Asked { self.rest() } else { Ok(()) }
    }

    /// Gives the session up, and with it the turn: whatever state it is in.
    pub(super) fn lose(&mut self) {
        self.session = None;
        self.turn = match self.turn {
            Turn::Asked => Turn::Away,
            Turn::Held => Turn::Lost,
            turn => turn,
        };
    }

    fn connect(&mut self, until: Instant) -> Result<(), Fault> {
        if self.session.is_none() {
            let mut session = Session::open(&self.connector)?;
            session.set_deadline(Some(until));
            let version = schema::check(&mut session)?;
            if !self.moving {
                schema::check_version(version)?;
            }
            touch(&mut session, &self.node)?;
            self.session = Some(session);
        }
        self.session()?.set_deadline(Some(until));
        Ok(())
    }
}

/// Commits a trifle. A server that has a replica waits for it with each commit, and whatever
/// was committed earlier is on the replica then too. Otherwise what a server that was started
/// anew shows might be known to it alone, and a failover would take it back.
fn touch(session: &mut Session, node: &NodeName) -> Result<(), Fault> {
    session.take_warning();
    session.call(&TOUCH, &[Value::Text(node.as_str())])?;
    session.sync();
    session.send()?;
    session.count()?;
    session.ready()?;
    session.check_warning()
}
