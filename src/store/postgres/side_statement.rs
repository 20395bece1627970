//! The statements with which a store is moved.

use super::statement::statements;
use super::value::oid::{BYTEA, BYTEAS, INT8, INT8S, TEXT};

statements! {
    LOCK_STATE() = "SELECT version, number, mac, oldest, bytes, epoch FROM tallystick.head
        WHERE id = 1 FOR UPDATE";
    SET_HEAD(INT8, BYTEA, INT8, INT8, INT8) = "UPDATE tallystick.head
        SET number = $1, mac = $2, oldest = $3, bytes = $4, epoch = $5 WHERE id = 1";
    SET_VERSION(INT8) = "UPDATE tallystick.head SET version = $1 WHERE id = 1";
    SET_NODE(TEXT, INT8, INT8) = "INSERT INTO tallystick.node (name, epoch, anchored, seen)
        VALUES ($1, $2, $3, now())
        ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, anchored = excluded.anchored";
    /// No epoch that was ever drawn is 0.
    FENCE_ALL() = "UPDATE tallystick.node SET epoch = 0";

    READ_JOURNAL(INT8, INT8) = "SELECT number, epoch, before, mac, marks, body FROM tallystick.journal
        WHERE number > $1 ORDER BY number LIMIT $2";
    READ_PAGES(INT8, INT8, INT8) = "SELECT kind, number, body FROM tallystick.page
        WHERE (kind, number) > ($1, $2) ORDER BY kind, number LIMIT $3";
    READ_TOKENS(INT8, INT8) = "SELECT slot, trid, revision, body FROM tallystick.token
        WHERE slot > $1 ORDER BY slot LIMIT $2";
    READ_RECORDS(INT8, BYTEA, INT8) = "SELECT space, key, expires, body FROM tallystick.record
        WHERE (space, key) > ($1, $2) ORDER BY space, key LIMIT $3";

    WRITE_JOURNAL(INT8S, INT8S, BYTEAS, BYTEAS, BYTEAS, BYTEAS) = "INSERT INTO tallystick.journal
        (number, epoch, before, mac, marks, body, tokens, records, pages)
        SELECT t.*, ''::bytea, ''::bytea, ''::bytea
        FROM UNNEST($1, $2, $3, $4, $5, $6) AS t (number, epoch, before, mac, marks, body)
        ON CONFLICT (number) DO NOTHING";
    WRITE_PAGES(INT8S, INT8S, BYTEAS) = "INSERT INTO tallystick.page (kind, number, body)
        SELECT * FROM UNNEST($1, $2, $3) AS t (kind, number, body)
        ON CONFLICT (kind, number) DO NOTHING";
    WRITE_TOKENS(INT8S, INT8S, INT8S, BYTEAS) = "INSERT INTO tallystick.token (slot, trid, revision, body)
        SELECT * FROM UNNEST($1, $2, $3, $4) AS t (slot, trid, revision, body)
        ON CONFLICT (slot) DO NOTHING";
    WRITE_RECORDS(INT8S, BYTEAS, INT8S, BYTEAS) = "INSERT INTO tallystick.record (space, key, expires, body)
        SELECT * FROM UNNEST($1, $2, $3, $4) AS t (space, key, expires, body)
        ON CONFLICT (space, key) DO NOTHING";

    LAST_GROUP() = "SELECT number FROM tallystick.journal ORDER BY number DESC LIMIT 1";
    LAST_PAGE() = "SELECT kind, number FROM tallystick.page ORDER BY kind DESC, number DESC LIMIT 1";
    LAST_TOKEN() = "SELECT slot FROM tallystick.token ORDER BY slot DESC LIMIT 1";
    LAST_RECORD() = "SELECT space, key FROM tallystick.record ORDER BY space DESC, key DESC LIMIT 1";

    COUNT_JOURNAL() = "SELECT count(*) FROM tallystick.journal";
    COUNT_PAGES() = "SELECT count(*) FROM tallystick.page";
    COUNT_TOKENS() = "SELECT count(*) FROM tallystick.token";
    COUNT_RECORDS() = "SELECT count(*) FROM tallystick.record";
}
