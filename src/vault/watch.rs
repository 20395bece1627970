//! What operators may see: the engine's counts and state, and where its audit log is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::config::Operator;
use super::engine::{Engine, EngineError};
use crate::wire::StatusReport;

/// The operators' way to the engine, and what lets them in.
#[derive(Debug)]
pub struct Watch {
    /// The engine's admin socket.
    pub admin: Engine,
    /// Where the engine keeps the head of its audit log.
    pub audit_head: Option<PathBuf>,
    /// SHA-256 of the operators' secret, which has 256 random bits.
    pub secret: [u8; 32],
}

/// The head of the audit log: its newest record that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the record.
    pub number: u64,
    /// What the next one is linked to.
    pub link: [u8; 32],
}

/// Counts of the engine, as its metrics have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Requests by operation and status.
    pub requests: BTreeMap<(String, String), u64>,
    /// How many commits took at most so many seconds; the last has no limit.
    pub commits: Vec<(f64, u64)>,
    /// Cards that are held.
    pub held: u64,
    /// Payment sessions' keys.
    pub keys: u64,
}

impl Watch {
    /// As it is configured.
    #[must_use]
    pub fn of(operator: Operator) -> Self {
        let Operator { admin, audit_head, secret } = operator;
        Self { admin: Engine::at(admin), audit_head, secret }
    }

    /// Whether this is the operators' secret.
    #[must_use]
    pub fn lets_in(&self, secret: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        given.ct_eq(&self.secret).into()
    }

    /// The engine's state and its counts.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn look(&self) -> Result<(StatusReport, Counts), EngineError> {
        let report = self.admin.ask(|client| client.status())?;
        let text = self.admin.ask(|client| client.metrics())?;
        Ok((report, Counts::read(&text)))
    }

    /// The head of the audit log, where it can be read. It is shown, not verified: its
    /// key is the engine's.
    #[must_use]
    pub fn audit_head(&self) -> Option<AuditHead> {
        let bytes = std::fs::read(self.audit_head.as_ref()?).ok()?;
        // `docs/FORMATS.md`, the audit log's head.
        (bytes.get(..8)? == b"tallyaud").then_some(())?;
        Some(AuditHead {
            number: u64::from_be_bytes(bytes.get(16..24)?.try_into().ok()?),
            link: bytes.get(24..56)?.try_into().ok()?,
        })
    }
}

impl Counts {
    /// Reads the OpenMetrics text format, as far as it is shown.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut counts = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<u64>() else { continue };
            if let Some(labels) = name.strip_prefix("tally_requests_total") {
                if let (Some(operation), Some(status)) = (label(labels, "operation"), label(labels, "status"))
                {
                    counts.requests.insert((operation, status), value);
                }
            } else if let Some(labels) = name.strip_prefix("tally_commit_seconds_bucket") {
                let limit = label(labels, "le").and_then(|limit| limit.parse().ok());
                counts.commits.push((limit.unwrap_or(f64::INFINITY), value));
            } else if name == "tally_held_cards" {
                counts.held = value;
            } else if name == "tally_entry_sessions" {
                counts.keys = value;
            }
        }
        counts
    }

    /// Requests of an operation that were answered with `ok`.
    #[must_use]
    pub fn done(&self, operation: &str) -> u64 {
        self.requests.get(&(operation.to_owned(), "ok".to_owned())).copied().unwrap_or(0)
    }

    /// Requests of an operation that were refused, by the reason.
    pub fn refused(&self, operation: &str) -> impl Iterator<Item = (&str, u64)> {
        let of = self.requests.iter().filter(move |((of, status), _)| of == operation && status != "ok");
        of.map(|((_, status), count)| (status.as_str(), *count))
    }

    /// How many commits there were.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.last().map_or(0, |(_, count)| *count)
    }

    /// The seconds within which so many of a thousand commits were done; none without
    /// any.
    #[must_use]
    pub fn commit_seconds(&self, of_thousand: u64) -> Option<f64> {
        let wanted = self.commits().saturating_mul(of_thousand).div_ceil(1000);
        self.commits.iter().find(|(_, count)| *count >= wanted && wanted > 0).map(|(limit, _)| *limit)
    }
}

/// The value of a label. The engine's have no quotes in them.
fn label(labels: &str, name: &str) -> Option<String> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read() {
        let text = "# HELP tally_requests Requests.\n\
            tally_requests_total{operation=\"verify\",status=\"ok\"} 7\n\
            tally_requests_total{operation=\"verify\",status=\"cryptogram_replayed\"} 2\n\
            tally_requests_total{status=\"ok\",operation=\"issue\"} 9\n\
            tally_commit_seconds_sum 0.5\n\
            tally_commit_seconds_bucket{le=\"0.001\"} 98\n\
            tally_commit_seconds_bucket{le=\"0.002\"} 99\n\
            tally_commit_seconds_bucket{le=\"+Inf\"} 100\n\
            tally_held_cards 3\ntally_entry_sessions 4\n# EOF\n";
        let counts = Counts::read(text);
        assert_eq!((counts.done("verify"), counts.done("issue"), counts.done("delete")), (7, 9, 0));
        assert_eq!(counts.refused("verify").collect::<Vec<_>>(), [("cryptogram_replayed", 2)]);
        assert_eq!((counts.held, counts.keys, counts.commits()), (3, 4, 100));
        assert_eq!(counts.commit_seconds(500), Some(0.001));
        assert_eq!(counts.commit_seconds(990), Some(0.002));
        assert_eq!(counts.commit_seconds(999), Some(f64::INFINITY));
        assert_eq!(Counts::default().commit_seconds(500), None);
    }
}
