//! Rows of the database, and every single change of one.

use std::cell::Cell;
use std::fmt;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// A table and the number of columns of its key, which come first.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    keys: usize,
    columns: &'static [&'static str],
}

/// What the engine stores; `meta` is the store's own.
pub const TABLES: [Table; 4] = [
    Table { name: "page", keys: 1, columns: &["id", "body"] },
    Table { name: "journal", keys: 1, columns: &["number", "epoch", "before", "mac", "marks", "body"] },
    Table { name: "record", keys: 2, columns: &["space", "key", "expires", "body"] },
    Table { name: "token", keys: 1, columns: &["slot", "trid", "revision", "body"] },
];

pub type Row = Vec<Value>;

pub fn rows(database: &Connection, select: &str) -> Vec<Row> {
    let mut statement = database.prepare(select).unwrap();
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

pub fn integer(value: &Value) -> i64 {
    let Value::Integer(value) = value else { panic!("{value:?}") };
    *value
}

impl Table {
    pub fn key<'a>(&self, row: &'a Row) -> &'a [Value] {
        &row[..self.keys]
    }

    pub fn delete(&self, database: &Connection, key: &[Value]) {
        let terms: Vec<_> = self.columns[..self.keys].iter().map(|column| format!("{column} = ?")).collect();
        let sql = format!("DELETE FROM {} WHERE {}", self.name, terms.join(" AND "));
        assert_eq!(database.execute(&sql, params_from_iter(key)).unwrap(), 1);
    }

    /// Puts what one row holds under the key of another. Whether the schema allows it.
    pub fn put(&self, database: &Connection, key: &[Value], row: &Row) -> bool {
        let marks = vec!["?"; self.columns.len()].join(", ");
        let sql = format!("REPLACE INTO {} VALUES ({marks})", self.name);
        database.execute(&sql, params_from_iter(key.iter().chain(&row[self.keys..]))).is_ok()
    }

    pub fn swap(&self, database: &Connection, one: &Row, other: &Row) {
        assert!(self.put(database, self.key(one), other) && self.put(database, self.key(other), one));
    }
}

/// A row in place of another, which differs in one column.
pub struct Change {
    table: Table,
    column: &'static str,
    before: Row,
    after: Row,
    possible: Cell<bool>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.table.key(&self.before);
        write!(f, "{} of {key:?} in {}", self.column, self.table.name)
    }
}

impl Change {
    pub fn apply(&self, database: &Connection) {
        self.table.delete(database, self.table.key(&self.before));
        let possible = self.table.put(database, self.table.key(&self.after), &self.after);
        self.possible.set(possible);
    }

    /// Whether the schema allowed it.
    pub fn is_possible(&self) -> bool {
        self.possible.get()
    }
}

/// Every column in turn, each to some other values.
pub fn changes(table: Table, row: &Row) -> Vec<Change> {
    let changed = |(column, value): (usize, &Value)| {
        let with = move |other| {
            let mut after = row.clone();
            after[column] = other;
            Change {
                table,
                column: table.columns[column],
                before: row.clone(),
                after,
                possible: Cell::new(false),
            }
        };
        // A key that is null is given a number.
        let others = others(value).into_iter().filter(|other| column >= table.keys || *other != Value::Null);
        others.map(with).collect::<Vec<_>>()
    };
    row.iter().enumerate().flat_map(changed).collect()
}

fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Integer(value) => {
            let others =
                [value + 1, value - 1, 0, value ^ 1 << 33].into_iter().filter(|other| other != value);
            others.map(Value::Integer).chain([Value::Null]).collect()
        }
        Value::Blob(bytes) => {
            let flipped = |at: usize| {
                let mut bytes = bytes.clone();
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
                bytes
            };
            let longer = [bytes.as_slice(), &[0]].concat();
            let shorter = bytes[..bytes.len().saturating_sub(1)].to_vec();
            let mut others = vec![
                flipped(0),
                flipped(bytes.len() / 2),
                flipped(bytes.len().wrapping_sub(1)),
                shorter,
                longer,
                vec![],
            ];
            others.retain(|other| other != bytes);
            others.into_iter().map(Value::Blob).chain([Value::Null]).collect()
        }
        // The marks of no row, and no expiry.
        Value::Null => vec![Value::Blob(vec![0; 6]), Value::Integer(1), Value::Integer(i64::MAX)],
        other => panic!("{other:?}"),
    }
}
