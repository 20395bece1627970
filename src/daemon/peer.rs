//! A peer on its way in: accepted, identified by the kernel, authorised by the
//! configuration. Each state is a type, so no step can be left out.

mod examiner;
mod process;
mod watch;

pub use examiner::Examiner;
pub use process::{ExecutableDigest, Process, ProcessError, can_pin};
pub(super) use watch::Watch;

use std::os::unix::net::UnixStream;

use thiserror::Error;

use super::config::PeerRule;
use crate::command::Caller;

/// Somebody has connected.
#[derive(Debug)]
pub struct Accepted {
    stream: UnixStream,
}

/// The kernel has said who.
#[derive(Debug)]
pub struct Identified {
    stream: UnixStream,
    uid: u32,
    gid: u32,
    process: Process,
}

/// The configuration has said what it may do.
#[derive(Debug)]
pub struct Authorised {
    /// The connection.
    pub stream: UnixStream,
    /// Who asks on it.
    pub caller: Caller,
}

/// Why a peer got no further.
#[derive(Debug, Error)]
pub enum PeerError {
    /// The kernel did not say who it is.
    #[error("the kernel did not identify the peer: {0}")]
    Unidentified(rustix::io::Errno),
    /// No entry of the configuration matches.
    #[error("no configured peer has uid {uid}, gid {gid} and this executable")]
    Unknown {
        /// The connection, for telling the peer.
        stream: UnixStream,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
        /// Why its executable could not be told, if it was asked for.
        cause: Option<ProcessError>,
    },
}

impl Accepted {
    /// A connection from a listener.
    #[must_use]
    pub const fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// Asks the kernel who opened the connection (`SO_PEERCRED`): what they were
    /// at connect, which a later change of identity does not alter. The process
    /// is pinned (`SO_PEERPIDFD`) where the kernel can.
    ///
    /// # Errors
    /// [`PeerError::Unidentified`], also when the process is gone already.
    pub fn identify(self) -> Result<Identified, PeerError> {
        let credentials =
            rustix::net::sockopt::socket_peercred(&self.stream).map_err(PeerError::Unidentified)?;
        let pid = credentials.pid.as_raw_nonzero().get();
        let process = Process::of(&self.stream, pid).map_err(PeerError::Unidentified)?;
        let (uid, gid) = (credentials.uid.as_raw(), credentials.gid.as_raw());
        Ok(Identified { stream: self.stream, uid, gid, process })
    }
}

impl Identified {
    /// The connection.
    #[must_use]
    pub const fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// The process that opened it.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// What the kernel says of it, for the audit log.
    #[must_use]
    pub fn who(&self) -> String {
        format!("uid {} gid {}", self.uid, self.gid)
    }

    /// Gives the connection of a peer up that comes in no further.
    #[must_use]
    pub fn into_stream(self) -> UnixStream {
        self.stream
    }

    /// Lets a peer pass on that some rule may be for, by uid and gid alone, which
    /// takes no time.
    ///
    /// # Errors
    /// [`PeerError::Unknown`].
    pub fn expected(self, rules: &[PeerRule]) -> Result<Self, PeerError> {
        if rules.iter().any(|rule| rule.matches(self.uid, self.gid)) {
            Ok(self)
        } else {
            Err(PeerError::Unknown { stream: self.stream, uid: self.uid, gid: self.gid, cause: None })
        }
    }

    /// Finds the first rule that matches. The peer's executable is looked at if a
    /// rule asks for one.
    ///
    /// # Errors
    /// [`PeerError::Unknown`].
    pub fn authorise(self, rules: &[PeerRule], examiner: Option<&Examiner>) -> Result<Authorised, PeerError> {
        let Self { stream, uid, gid, process } = self;
        let mut asked = Some((process, examiner));
        let (mut found, mut cause) = (None, None);
        for rule in rules.iter().filter(|rule| rule.matches(uid, gid)) {
            let Some(wanted) = rule.executable else {
                return Ok(Authorised { stream, caller: rule.caller.clone().of_user(uid) });
            };
            // The first rule that wants to know has it looked at.
            if let Some((process, Some(examiner))) = asked.take() {
                match examiner.examine(process) {
                    Some(Ok(digest)) => found = Some(digest),
                    Some(Err(error)) => cause = Some(error),
                    None => {}
                }
            }
            if found == Some(wanted) {
                return Ok(Authorised { stream, caller: rule.caller.clone().of_user(uid) });
            }
        }
        Err(PeerError::Unknown { stream, uid, gid, cause })
    }
}

impl PeerRule {
    /// Whether the uid and gid that the rule names are the peer's.
    #[must_use]
    pub fn matches(&self, uid: u32, gid: u32) -> bool {
        self.uid.is_none_or(|wanted| wanted == uid) && self.gid.is_none_or(|wanted| wanted == gid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Roles;

    fn rule(name: &str, uid: Option<u32>, gid: Option<u32>) -> PeerRule {
        PeerRule::new(Caller::new(name, Roles::default(), None), uid, gid)
    }

    fn come_in(rules: &[PeerRule], examiner: Option<&Examiner>) -> Result<String, PeerError> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let peer = Accepted::new(ours).identify().unwrap().expected(rules)?;
        let authorised = peer.authorise(rules, examiner);
        drop(theirs);
        authorised.map(|peer| peer.caller.name().to_owned())
    }

    fn ids() -> (u32, u32) {
        (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
    }

    #[test]
    fn the_kernel_names_this_process_and_the_first_rule_wins() {
        let (uid, gid) = ids();
        let rules = [
            rule("other", Some(uid + 1), None),
            rule("both", Some(uid), Some(gid)),
            rule("me", Some(uid), None),
        ];
        assert_eq!(come_in(&rules, None).unwrap(), "both");
        assert_eq!(come_in(&rules[2..], None).unwrap(), "me");
        assert!(matches!(come_in(&rules[..1], None), Err(PeerError::Unknown { .. })));
        assert!(matches!(come_in(&[], None), Err(PeerError::Unknown { .. })));
    }

    #[test]
    fn two_programs_of_one_user_are_told_apart() {
        if !can_pin().unwrap() {
            println!("SKIPPED: the kernel pins no peers");
            return;
        }
        let (uid, _) = ids();
        let examiner = Examiner::start().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Accepted::new(ours).identify().unwrap();
        let own = peer.process().executable().unwrap();
        let mut other = own;
        other[31] ^= 1;
        let pinned = |name, digest| PeerRule { executable: Some(digest), ..rule(name, Some(uid), None) };
        let rules = [pinned("other", other), pinned("this", own), rule("any", Some(uid), None)];
        assert_eq!(come_in(&rules, Some(&examiner)).unwrap(), "this");
        assert_eq!(come_in(&[rules[0].clone(), rules[2].clone()], Some(&examiner)).unwrap(), "any");
        assert!(matches!(come_in(&rules[..1], Some(&examiner)), Err(PeerError::Unknown { .. })));
        // Nobody looks: it is not let in.
        assert!(matches!(come_in(&rules[..2], None), Err(PeerError::Unknown { .. })));
    }
}
