//! Every statement there is. All of them are understood by PostgreSQL, CockroachDB and
//! YugabyteDB.

use super::value::oid::{BYTEA, BYTEAS, INT8, INT8S, TEXT};

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident($($kind:ident),*) = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: $crate::store::postgres::session::Statement =
            $crate::store::postgres::session::Statement { name: stringify!($name), sql: $sql, types: &[$($kind),*] };)*

        /// Every statement.
        #[cfg(test)]
        pub(super) const ALL: &[$crate::store::postgres::session::Statement] = &[$($name),*];
    };
}
pub(super) use statements;

statements! {
    /// Each statement of a turn sees what was committed before that statement began. So the
    /// journal, read behind the lock, has what was committed while the lock was waited for.
    BEGIN() = "BEGIN ISOLATION LEVEL READ COMMITTED";
    /// All statements see one state.
    BEGIN_VIEW() = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    /// Whoever only reads hinders nobody, however long it takes over it.
    UNHURRIED() = "SET LOCAL idle_in_transaction_session_timeout = 0";
    COMMIT() = "COMMIT";

    SCHEMA() = "SELECT version FROM tallystick.head WHERE id = 1";
    SETTINGS() = "SELECT name::text, setting::text FROM pg_catalog.pg_settings
        WHERE name IN ('fsync', 'synchronous_commit')";

    /// The turn: whoever has this row locked decides.
    LOCK_HEAD() = "SELECT number, mac, oldest, bytes, epoch FROM tallystick.head WHERE id = 1 FOR UPDATE";
    HEAD() = "SELECT number, mac, oldest, bytes, epoch FROM tallystick.head WHERE id = 1";
    MOVE_HEAD(INT8, BYTEA, INT8, INT8, INT8, INT8, BYTEA) = "UPDATE tallystick.head
        SET number = $1, mac = $2, oldest = $3, bytes = bytes + $4 -
            (SELECT coalesce(sum(length(body)), 0)::bigint FROM tallystick.journal
             WHERE number >= $5 AND number < $3)
        WHERE id = 1 AND number = $6 AND mac = $7
        RETURNING bytes";
    DRAW_EPOCH(INT8) = "UPDATE tallystick.head SET epoch = $1 WHERE id = 1";

    NODE(TEXT) = "SELECT epoch, anchored FROM tallystick.node WHERE name = $1";
    SET_NODE(TEXT, INT8) = "INSERT INTO tallystick.node (name, epoch, anchored, seen) VALUES ($1, $2, 0, now())
        ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, seen = excluded.seen";
    TOUCH(TEXT) = "UPDATE tallystick.node SET seen = now() WHERE name = $1";
    SET_ANCHORED(TEXT, INT8) = "UPDATE tallystick.node SET anchored = $2, seen = now() WHERE name = $1";

    GROUPS_AFTER(INT8) = "SELECT number, epoch, before, marks, body, mac, tokens, records, pages
        FROM tallystick.journal WHERE number > $1 ORDER BY number";
    ADD_GROUP(INT8, INT8, BYTEA, BYTEA, BYTEA, BYTEA, BYTEA, BYTEA, BYTEA) = "INSERT INTO tallystick.journal
        (number, epoch, before, marks, body, mac, tokens, records, pages)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    REMOVE_GROUPS(INT8, INT8) = "DELETE FROM tallystick.journal WHERE number >= $1 AND number < $2";
    JOURNAL() = "SELECT number, epoch, before, marks, body, mac FROM tallystick.journal ORDER BY number";
    MARKS() = "SELECT marks FROM tallystick.journal WHERE length(marks) > 0 ORDER BY number";

    TOKEN(INT8) = "SELECT slot, trid, revision, body FROM tallystick.token WHERE slot = $1";
    TOKENS(INT8S) = "SELECT slot, trid, revision, body FROM tallystick.token
        WHERE slot = ANY ($1) ORDER BY slot";
    TOKENS_OF(INT8, INT8, INT8) = "SELECT slot, trid, revision, body FROM tallystick.token
        WHERE trid = $1 AND slot > $2 ORDER BY trid, slot LIMIT $3";
    TOKENS_AFTER(INT8, INT8) = "SELECT slot, trid, revision, body FROM tallystick.token
        WHERE slot > $1 ORDER BY slot LIMIT $2";
    PUT_TOKENS(INT8S, INT8S, INT8S, BYTEAS) = "INSERT INTO tallystick.token (slot, trid, revision, body)
        SELECT * FROM UNNEST($1, $2, $3, $4) AS t (slot, trid, revision, body)
        ON CONFLICT (slot) DO UPDATE
        SET trid = excluded.trid, revision = excluded.revision, body = excluded.body";

    RECORDS() = "SELECT space, key, expires, body FROM tallystick.record ORDER BY space, key";
    PUT_RECORDS(INT8S, BYTEAS, INT8S, BYTEAS) = "INSERT INTO tallystick.record (space, key, expires, body)
        SELECT * FROM UNNEST($1, $2, $3, $4) AS t (space, key, expires, body)
        ON CONFLICT (space, key) DO UPDATE SET expires = excluded.expires, body = excluded.body";
    REMOVE_RECORDS(INT8S, BYTEAS) = "DELETE FROM tallystick.record WHERE (space, key) IN
        (SELECT t.space, t.key FROM UNNEST($1, $2) AS t (space, key))";
    EXPIRE(INT8, INT8) = "DELETE FROM tallystick.record WHERE (space, key) IN
        (SELECT space, key FROM tallystick.record WHERE expires <= $1 ORDER BY expires LIMIT $2)";

    COUNT_PAGES(INT8) = "SELECT count(*) FROM tallystick.page WHERE kind = $1";
    PAGES(INT8) = "SELECT number, body FROM tallystick.page WHERE kind = $1 ORDER BY kind, number";
    PUT_PAGES(INT8S, INT8S, BYTEAS) = "INSERT INTO tallystick.page (kind, number, body)
        SELECT * FROM UNNEST($1, $2, $3) AS t (kind, number, body)
        ON CONFLICT (kind, number) DO UPDATE SET body = excluded.body";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_as_many_as_their_types() {
        for statement in ALL.iter().chain(super::super::side_statement::ALL) {
            let used = (1..=20).filter(|number| statement.sql.contains(&format!("${number}"))).count();
            assert_eq!(used, statement.types.len(), "{}", statement.name);
        }
    }
}
