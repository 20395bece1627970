//! Counts for operators, in the Prometheus text format. Nothing here names a
//! token, a requestor or a card.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Ending;
use crate::wire::Status;

/// The states that a daemon can be in.
pub const STATES: [&str; 6] = [
    "serving",
    Status::Sealed.name(),
    Status::Stopped.name(),
    Status::StorageFull.name(),
    Status::Unanchored.name(),
    Status::AuditUnwritable.name(),
];

/// The metrics of a daemon.
pub struct Metrics {
    registry: Registry,
    /// Requests by operation and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Connections open.
    pub connections: Gauge,
    /// Connections refused, by reason.
    pub refused_connections: Family<ReasonLabels, Counter>,
    /// Tokens held.
    pub tokens: Gauge,
    /// Cards known by their counters.
    pub cards: Gauge,
    /// Cards that have used up nine tenths of their counters.
    pub cards_worn: Gauge,
    /// Cards linked to a PAR.
    pub par_links: Gauge,
    /// Cards held until they are saved or their time is over.
    pub held_cards: Gauge,
    /// Payment sessions' keys.
    pub entry_sessions: Gauge,
    /// Seconds a commit took.
    pub commit_seconds: Histogram,
    /// Counter moves, rows and records in a commit group.
    pub group_size: Histogram,
    /// Bytes of journal.
    pub journal_bytes: Gauge,
    /// Pages written beside groups.
    pub pages: Counter,
    /// How often the write-ahead log has gone into the database.
    pub checkpoints: Counter,
    /// Seconds until this node had its turn at a shared store, and had followed the others.
    pub turn_seconds: Histogram,
    /// Groups of other nodes that were followed.
    pub followed: Counter,
    /// 1 while the daemon takes on new work.
    pub healthy: Gauge<i64>,
    /// 1 for the state that the daemon is in.
    pub states: Family<StateLabels, Gauge>,
    /// Verifications refused, by the true reason, whatever the caller was told.
    pub refused_verifications: Family<ReasonLabels, Counter>,
    /// Idempotency keys remembered.
    pub idempotency_keys: Gauge,
    /// How many there may be of what is limited.
    pub limits: Family<LimitLabels, Gauge>,
    /// Unix time at which the daemon began to serve, in seconds.
    pub start_time: Gauge,
    /// 1 for how the daemon before this one ended.
    pub last_end: Family<ReasonLabels, Gauge>,
}

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The operation.
    pub operation: &'static str,
    /// The status it was answered with.
    pub status: &'static str,
}

/// A state of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabels {
    /// `serving`, or the status with which new work is refused.
    pub state: &'static str,
}

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LimitLabels {
    /// The name of its gauge, without `tally_`.
    pub of: &'static str,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// The reason.
    pub reason: &'static str,
}

impl Metrics {
    /// Metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tally");
        let metrics = Self {
            requests: Family::default(),
            connections: Gauge::default(),
            refused_connections: Family::default(),
            tokens: Gauge::default(),
            cards: Gauge::default(),
            cards_worn: Gauge::default(),
            par_links: Gauge::default(),
            held_cards: Gauge::default(),
            entry_sessions: Gauge::default(),
            // 50 microseconds to 1.6 seconds.
            commit_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            group_size: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            journal_bytes: Gauge::default(),
            pages: Counter::default(),
            checkpoints: Counter::default(),
            turn_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            followed: Counter::default(),
            healthy: Gauge::default(),
            states: Family::default(),
            refused_verifications: Family::default(),
            idempotency_keys: Gauge::default(),
            limits: Family::default(),
            start_time: Gauge::default(),
            last_end: Family::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests by operation and status", metrics.requests.clone());
        registry.register("connections", "Connections open", metrics.connections.clone());
        registry.register(
            "refused_connections",
            "Connections refused, by reason",
            metrics.refused_connections.clone(),
        );
        registry.register("tokens", "Tokens held", metrics.tokens.clone());
        registry.register("cards", "Cards known by their counters", metrics.cards.clone());
        let worn = "Cards that have used up nine tenths of their counters";
        registry.register("cards_worn", worn, metrics.cards_worn.clone());
        registry.register("par_links", "Cards linked to a PAR", metrics.par_links.clone());
        registry.register("held_cards", "Cards held for a while", metrics.held_cards.clone());
        registry.register("entry_sessions", "Payment sessions' keys", metrics.entry_sessions.clone());
        registry.register_with_unit(
            "commit",
            "Time a commit took",
            Unit::Seconds,
            metrics.commit_seconds.clone(),
        );
        registry.register("group_size", "Moves, rows and records in a group", metrics.group_size.clone());
        registry.register_with_unit(
            "journal",
            "Journal that a start would replay",
            Unit::Bytes,
            metrics.journal_bytes.clone(),
        );
        registry.register("pages", "Pages written beside groups", metrics.pages.clone());
        registry.register(
            "checkpoints",
            "Times the log has gone into the database",
            metrics.checkpoints.clone(),
        );
        registry.register_with_unit(
            "turn",
            "Time until a turn at a shared store had come",
            Unit::Seconds,
            metrics.turn_seconds.clone(),
        );
        registry.register("followed", "Groups of other nodes that were followed", metrics.followed.clone());
        registry.register("healthy", "1 while the daemon takes on new work", metrics.healthy.clone());
        metrics.healthy.set(1);
        metrics.register_the_rest(&mut registry);
        Self { registry, ..metrics }
    }

    fn register_the_rest(&self, registry: &mut Registry) {
        registry.register("state", "1 for the state that the daemon is in", self.states.clone());
        let refused = "Verifications refused, by the true reason";
        registry.register("refused_verifications", refused, self.refused_verifications.clone());
        registry.register("idempotency_keys", "Idempotency keys remembered", self.idempotency_keys.clone());
        registry.register("limit", "How many there may be of what is limited", self.limits.clone());
        let began = "Unix time at which the daemon began to serve";
        registry.register_with_unit("start_time", began, Unit::Seconds, self.start_time.clone());
        let last = "1 for how the daemon before this one ended";
        registry.register("last_end", last, self.last_end.clone());
        self.set_last_end(None);
        // A state or reason that has not come up yet is zero and not missing: an alert on
        // its first time needs a value before.
        self.set_state("serving");
        for reason in [Status::Replayed, Status::BadMac, Status::TokenLocked] {
            self.refused_verifications.get_or_create(&ReasonLabels { reason: reason.name() }).inc_by(0);
        }
        for reason in ["unknown_peer", "too_many", "unanswered"] {
            self.refused_connections.get_or_create(&ReasonLabels { reason }).inc_by(0);
        }
    }

    /// Says which state the daemon is in: one of `STATES`.
    pub fn set_state(&self, now: &str) {
        for state in STATES {
            self.states.get_or_create(&StateLabels { state }).set(i64::from(state == now));
        }
    }

    /// Says how the daemon before this one ended, if there was one.
    pub fn set_last_end(&self, before: Option<Ending>) {
        for ending in Ending::ALL {
            let told = self.last_end.get_or_create(&ReasonLabels { reason: ending.name() });
            told.set(i64::from(before == Some(ending)));
        }
    }

    /// Says how many there may be of something.
    pub fn set_limit(&self, of: &'static str, most: usize) {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.limits.get_or_create(&LimitLabels { of }).set(most);
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_show_up_by_label() {
        let metrics = Metrics::new();
        let labels = RequestLabels { operation: "issue", status: "ok" };
        metrics.requests.get_or_create(&labels).inc_by(3);
        metrics.commit_seconds.observe(0.001);
        let text = metrics.encode();
        assert!(text.contains("tally_requests_total{operation=\"issue\",status=\"ok\"} 3"), "{text}");
        assert!(text.contains("tally_commit_seconds_count 1"), "{text}");
        assert!(text.contains("tally_healthy 1"), "{text}");
    }
}
