//! Counts for operators, in the Prometheus text format. Nothing here names a
//! token, a requestor or a card.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

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
    /// 1 while the daemon takes on new work.
    pub healthy: Gauge<i64>,
}

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The operation.
    pub operation: &'static str,
    /// The status it was answered with.
    pub status: &'static str,
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
            held_cards: Gauge::default(),
            entry_sessions: Gauge::default(),
            // 50 microseconds to 1.6 seconds.
            commit_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            group_size: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            journal_bytes: Gauge::default(),
            pages: Counter::default(),
            checkpoints: Counter::default(),
            healthy: Gauge::default(),
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
        registry.register("healthy", "1 while the daemon takes on new work", metrics.healthy.clone());
        metrics.healthy.set(1);
        Self { registry, ..metrics }
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
