//! A peer on its way in: accepted, identified by the kernel, authorised by the
//! configuration. Each state is a type, so no step can be left out.

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
    #[error("no configured peer has uid {uid} and gid {gid}")]
    Unknown {
        /// The connection, for telling the peer.
        stream: UnixStream,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl Accepted {
    /// A connection from a listener.
    #[must_use]
    pub const fn new(stream: UnixStream) -> Self {
        Self { stream }
    }

    /// Asks the kernel who opened the connection (`SO_PEERCRED`): what they were
    /// at connect, which a later change of identity does not alter.
    ///
    /// # Errors
    /// [`PeerError::Unidentified`].
    pub fn identify(self) -> Result<Identified, PeerError> {
        let credentials =
            rustix::net::sockopt::socket_peercred(&self.stream).map_err(PeerError::Unidentified)?;
        Ok(Identified { stream: self.stream, uid: credentials.uid.as_raw(), gid: credentials.gid.as_raw() })
    }
}

impl Identified {
    /// Finds the first rule that matches.
    ///
    /// # Errors
    /// [`PeerError::Unknown`].
    pub fn authorise(self, rules: &[PeerRule]) -> Result<Authorised, PeerError> {
        let Self { stream, uid, gid } = self;
        match rules.iter().find(|rule| rule.matches(uid, gid)) {
            Some(rule) => Ok(Authorised { stream, caller: rule.caller.clone() }),
            None => Err(PeerError::Unknown { stream, uid, gid }),
        }
    }
}

impl PeerRule {
    /// Whether what the rule names is the peer's.
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
        PeerRule { uid, gid, caller: Caller::new(name, Roles::default(), None) }
    }

    #[test]
    fn the_kernel_names_this_process_and_the_first_rule_wins() {
        let uid = rustix::process::getuid().as_raw();
        let gid = rustix::process::getgid().as_raw();
        let come_in = |rules: &[PeerRule]| {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let authorised = Accepted::new(ours).identify().unwrap().authorise(rules);
            drop(theirs);
            authorised.map(|peer| peer.caller.name().to_owned())
        };
        let rules = [
            rule("other", Some(uid + 1), None),
            rule("both", Some(uid), Some(gid)),
            rule("me", Some(uid), None),
        ];
        assert_eq!(come_in(&rules).unwrap(), "both");
        assert_eq!(come_in(&rules[2..]).unwrap(), "me");
        assert!(matches!(come_in(&rules[..1]), Err(PeerError::Unknown { .. })));
        assert!(matches!(come_in(&[]), Err(PeerError::Unknown { .. })));
    }
}
