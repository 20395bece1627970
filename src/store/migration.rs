//! Moving a store from a file into a database that nodes share, or back: every row, in steps
//! that can be interrupted, and then every row compared before anybody may open the new one.
//!
//! Rows go over in the order of their keys, so what is there already says where to go on.
//! Nothing is decrypted and no key is needed.

use std::path::Path;

use super::postgres::{PostgresConfig, PostgresSide};
use super::sqlite::SqliteSide;
use super::{ChainHead, Epoch, GroupNumber, StoreError, StoreLock};

/// Rows of a step.
const STEP: usize = 1000;

/// A value in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Bytes(Vec<u8>),
}

/// The tables whose rows are moved, by the columns of their keys and then the others:
/// journal (number; epoch, before, mac, marks, body), page (kind, number; body), token
/// (slot; trid, revision, body), record (space, key; expires, body).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Journal,
    Page,
    Token,
    Record,
}

impl Table {
    pub(super) const ALL: [Self; 4] = [Self::Journal, Self::Page, Self::Token, Self::Record];

    /// A key below that of every row.
    fn floor(self) -> Vec<Cell> {
        match self {
            Self::Journal | Self::Token => vec![Cell::Number(-1)],
            Self::Page => vec![Cell::Number(0), Cell::Number(0)],
            Self::Record => vec![Cell::Number(0), Cell::Bytes(vec![])],
        }
    }
}

/// What a store is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub(super) epoch: Epoch,
    pub(super) anchored: Epoch,
    pub(super) head: ChainHead,
    pub(super) oldest: GroupNumber,
    /// Bytes of the journal bodies.
    pub(super) bytes: u64,
}

/// Where rows come from or go to.
pub(super) trait Side {
    /// Up to `limit` rows with keys above `after`, ascending.
    fn read(&mut self, table: Table, after: &[Cell], limit: usize) -> Result<Vec<Vec<Cell>>, StoreError>;

    /// Makes rows durable. Those that are there already may be given again.
    fn write(&mut self, table: Table, rows: &[Vec<Cell>]) -> Result<(), StoreError>;

    /// The key of the last row.
    fn last(&mut self, table: Table) -> Result<Option<Vec<Cell>>, StoreError>;

    /// How many rows there are.
    fn count(&mut self, table: Table) -> Result<u64, StoreError>;

    /// Lets the store be opened: it is whole.
    fn complete(self: Box<Self>) -> Result<(), StoreError>;
}

/// A move that is under way.
pub struct Migration {
    source: Box<dyn Side>,
    target: Box<dyn Side>,
    /// Tables still to be copied, and then to be compared, the next one last.
    copying: Vec<Table>,
    comparing: Vec<Table>,
    after: Option<Vec<Cell>>,
    rows: u64,
    done: u64,
}

impl Migration {
    /// From the file at `path`, whose lock is held, into an empty database. Until it is whole,
    /// the database cannot be opened.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the database holds anything but a part of this very store; else as
    /// opening either store.
    pub fn to_postgres(lock: StoreLock, path: &Path, config: &PostgresConfig) -> Result<Self, StoreError> {
        let (source, about) = SqliteSide::source(lock, path)?;
        let target = PostgresSide::target(config, &about)?;
        Self::new(Box::new(source), Box::new(target))
    }

    /// From the database into a file where there is none, whose lock is held. From now on no
    /// node can open the database, and those that have it open are fenced.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there is a file; else as opening either store.
    pub fn to_sqlite(config: &PostgresConfig, lock: StoreLock, path: &Path) -> Result<Self, StoreError> {
        SqliteSide::check_absent(path)?;
        let (source, about) = PostgresSide::source(config)?;
        let target = SqliteSide::target(lock, path, &about)?;
        Self::new(Box::new(source), Box::new(target))
    }

    fn new(mut source: Box<dyn Side>, mut target: Box<dyn Side>) -> Result<Self, StoreError> {
        let (mut rows, mut there) = (0_u64, 0_u64);
        for table in Table::ALL {
            rows = rows.saturating_add(source.count(table)?);
            there = there.saturating_add(target.count(table)?);
        }
        let all: Vec<_> = Table::ALL.into_iter().rev().collect();
        Ok(Self { source, target, copying: all.clone(), comparing: all, after: None, rows, done: there })
    }

    /// Rows copied and rows compared, of twice as many as there are.
    #[must_use]
    pub const fn progress(&self) -> (u64, u64) {
        (self.done, self.rows.saturating_mul(2))
    }

    /// Rows of the store.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Copies or compares some rows. False once all are the same on both sides.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row differs; what reading or writing fails with. The same
    /// migration begun again goes on.
    pub fn step(&mut self) -> Result<bool, StoreError> {
        let stepped = match (self.copying.last(), self.comparing.last()) {
            (Some(table), _) => self.copy(*table)?,
            (None, Some(table)) => self.compare(*table)?,
            (None, None) => return Ok(false),
        };
        if stepped == 0 {
            self.after = None;
            if self.copying.pop().is_none() {
                self.comparing.pop();
            }
        }
        self.done = self.done.saturating_add(u64::try_from(stepped).unwrap_or(0));
        Ok(!self.comparing.is_empty())
    }

    /// Lets the new store be opened.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] before [`step`](Self::step) said that all is the same; else
    /// what the store says.
    pub fn finish(self) -> Result<(), StoreError> {
        if !self.comparing.is_empty() {
            return Err(StoreError::OutOfOrder);
        }
        self.target.complete()
    }

    fn copy(&mut self, table: Table) -> Result<usize, StoreError> {
        let after = match self.after.take() {
            Some(after) => after,
            None => self.target.last(table)?.unwrap_or_else(|| table.floor()),
        };
        let rows = self.source.read(table, &after, STEP)?;
        if let Some(last) = rows.last() {
            self.target.write(table, &rows)?;
            self.after = Some(last.iter().take(after.len()).cloned().collect());
        }
        Ok(rows.len())
    }

    fn compare(&mut self, table: Table) -> Result<usize, StoreError> {
        let after = self.after.take().unwrap_or_else(|| table.floor());
        let rows = self.source.read(table, &after, STEP)?;
        if self.target.read(table, &after, STEP)? != rows {
            return Err(StoreError::Corrupt("a row that was moved is not the same on both sides"));
        }
        self.after = rows.last().map(|last| last.iter().take(after.len()).cloned().collect());
        Ok(rows.len())
    }
}

impl std::fmt::Debug for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migration")
            .field("done", &self.done)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
