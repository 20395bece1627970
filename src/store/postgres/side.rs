//! A database as one side of a [migration](crate::store::Migration).

use super::super::migration::{About, Cell, Side, Table};
use super::super::{ChainHead, Epoch, StoreError};
use super::config::PostgresConfig;
use super::fault::Fault;
use super::head::{self, Head};
use super::line::Line;
use super::row::Row;
use super::schema::{COMPLETE, INCOMPLETE, MOVED};
use super::session::{Session, Statement};
use super::side_statement as statement;
use super::statement::{BEGIN, COMMIT, NODE};
use super::value::{Value, number};
use super::wire::Connector;

/// A database that no node can open meanwhile.
pub(in super::super) struct PostgresSide {
    line: Line,
}

impl PostgresSide {
    /// A database to be filled: an empty one, or one that holds a part of this very store.
    pub(in super::super) fn target(config: &PostgresConfig, about: &About) -> Result<Self, StoreError> {
        let mut line = Line::moving(Connector::new(config)?, config.node.clone());
        line.patiently(|line| {
            let session = line.session()?;
            let (head, epoch, version) = begin(session)?;
            let ours = (head, epoch) == (about_head(about), about.epoch);
            match version {
                COMPLETE if head.chain == ChainHead::START && epoch == Epoch(0) => {}
                INCOMPLETE if ours => {}
                COMPLETE => return Err(Fault::Refused("the database holds a store already")),
                INCOMPLETE => return Err(Fault::Refused("the database holds a part of another store")),
                _ => return Err(Fault::Refused(super::schema::MOVED_AWAY)),
            }
            session.call(
                &statement::SET_HEAD,
                &[
                    number(about.head.number.0)?,
                    Value::Bytes(&about.head.mac),
                    number(about.oldest.0)?,
                    number(about.bytes)?,
                    number(about.epoch.0)?,
                ],
            )?;
            let node = Value::Text(config.node.as_str());
            session.call(&statement::SET_NODE, &[node, number(about.epoch.0)?, number(about.anchored.0)?])?;
            end(session, INCOMPLETE, 2)
        })?;
        Ok(Self { line })
    }

    /// A database to be read, from which every node is fenced off from now on.
    pub(in super::super) fn source(config: &PostgresConfig) -> Result<(Self, About), StoreError> {
        let mut line = Line::moving(Connector::new(config)?, config.node.clone());
        let about = line.patiently(|line| {
            let session = line.session()?;
            let (head, epoch, version) = begin(session)?;
            if !matches!(version, COMPLETE | MOVED) {
                return Err(Fault::Refused("the database holds a part of a store only"));
            }
            session.call(&NODE, &[Value::Text(config.node.as_str())])?;
            session.sync();
            session.send()?;
            let anchored = head::read_node(session)?.map_or(Epoch(0), |(_, anchored)| anchored);
            session.ready()?;
            session.call(&statement::FENCE_ALL, &[])?;
            end(session, MOVED, 1)?;
            Ok(About { epoch, anchored, head: head.chain, oldest: head.oldest, bytes: head.bytes })
        })?;
        Ok((Self { line }, about))
    }

    fn rows(
        &mut self,
        call: &Statement,
        values: &[Value<'_>],
        forms: &[Form],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        self.line.patiently(|line| {
            let session = line.session()?;
            session.call(call, values)?;
            session.sync();
            session.send()?;
            let mut rows = Vec::new();
            while let Some(row) = session.row()? {
                rows.push(cells(&row, forms)?);
            }
            session.ready()?;
            Ok(rows)
        })
    }
}

/// The form of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Number,
    MaybeNumber,
    Bytes,
}

fn forms(table: Table) -> &'static [Form] {
    use Form::{Bytes, MaybeNumber, Number};
    match table {
        Table::Journal => &[Number, Number, Bytes, Bytes, Bytes, Bytes],
        Table::Page => &[Number, Number, Bytes],
        Table::Token => &[Number, Number, Number, Bytes],
        Table::Record => &[Number, Bytes, MaybeNumber, Bytes],
    }
}

impl Side for PostgresSide {
    fn read(&mut self, table: Table, after: &[Cell], limit: usize) -> Result<Vec<Vec<Cell>>, StoreError> {
        let select = match table {
            Table::Journal => &statement::READ_JOURNAL,
            Table::Page => &statement::READ_PAGES,
            Table::Token => &statement::READ_TOKENS,
            Table::Record => &statement::READ_RECORDS,
        };
        let limit = Value::Number(i64::try_from(limit).unwrap_or(i64::MAX));
        let values: Vec<_> = after.iter().filter_map(value).chain([limit]).collect();
        self.rows(select, &values, forms(table))
    }

    fn write(&mut self, table: Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        let insert = match table {
            Table::Journal => &statement::WRITE_JOURNAL,
            Table::Page => &statement::WRITE_PAGES,
            Table::Token => &statement::WRITE_TOKENS,
            Table::Record => &statement::WRITE_RECORDS,
        };
        let columns: Vec<_> = (0..).zip(forms(table)).map(|(at, form)| Column::of(rows, at, *form)).collect();
        let values: Vec<_> = columns.iter().map(Column::value).collect();
        self.line.patiently(|line| {
            let session = line.session()?;
            session.call(insert, &values)?;
            session.sync();
            session.send()?;
            session.count()?;
            session.ready()
        })
    }

    fn last(&mut self, table: Table) -> Result<Option<Vec<Cell>>, StoreError> {
        let (select, keys) = match table {
            Table::Journal => (&statement::LAST_GROUP, 1),
            Table::Page => (&statement::LAST_PAGE, 2),
            Table::Token => (&statement::LAST_TOKEN, 1),
            Table::Record => (&statement::LAST_RECORD, 2),
        };
        let forms = forms(table).get(..keys).unwrap_or_default();
        Ok(self.rows(select, &[], forms)?.pop())
    }

    fn count(&mut self, table: Table) -> Result<u64, StoreError> {
        let select = match table {
            Table::Journal => &statement::COUNT_JOURNAL,
            Table::Page => &statement::COUNT_PAGES,
            Table::Token => &statement::COUNT_TOKENS,
            Table::Record => &statement::COUNT_RECORDS,
        };
        match self.rows(select, &[], &[Form::Number])?.pop().as_deref() {
            Some([Cell::Number(count)]) => Ok(u64::try_from(*count).unwrap_or(0)),
            _ => Err(StoreError::Corrupt("the database cannot count")),
        }
    }

    fn complete(mut self: Box<Self>) -> Result<(), StoreError> {
        self.line.patiently(|line| {
            let session = line.session()?;
            begin(session)?;
            end(session, COMPLETE, 0)
        })
    }
}

/// Begins a transaction under the head's lock. Returns the head, the newest epoch and the
/// version.
fn begin(session: &mut Session) -> Result<(Head, Epoch, i64), Fault> {
    session.call(&BEGIN, &[])?;
    session.call(&statement::LOCK_STATE, &[])?;
    session.sync();
    session.send()?;
    session.done("BEGIN")?;
    let row = session.one()?.ok_or(StoreError::Corrupt("the database has no head"))?;
    session.ready()?;
    let mut columns = row.columns();
    let version = columns.signed()?;
    let (head, epoch) = head::read_columns(&mut columns)?;
    Ok((head, epoch, version))
}

/// Sets the version and commits, behind so many changes that were written already.
fn end(session: &mut Session, version: i64, changes: usize) -> Result<(), Fault> {
    session.call(&statement::SET_VERSION, &[Value::Number(version)])?;
    session.call(&COMMIT, &[])?;
    session.sync();
    session.send()?;
    for _ in 0..=changes {
        session.count()?;
    }
    session.done("COMMIT")?;
    session.ready()
}

const fn about_head(about: &About) -> Head {
    Head { chain: about.head, oldest: about.oldest, bytes: about.bytes }
}

fn cells(row: &Row, forms: &[Form]) -> Result<Vec<Cell>, StoreError> {
    let mut columns = row.columns();
    let number = |number: u64| i64::try_from(number).map_or(Cell::Null, Cell::Number);
    let cell = |form: &Form| match form {
        Form::Number => columns.number().map(number),
        Form::MaybeNumber => columns.maybe_number().map(|found| found.map_or(Cell::Null, number)),
        Form::Bytes => columns.bytes().map(|bytes| Cell::Bytes(bytes.to_vec())),
    };
    forms.iter().map(cell).collect()
}

/// A cell of a key.
fn value(cell: &Cell) -> Option<Value<'_>> {
    match cell {
        Cell::Null => None,
        Cell::Number(number) => Some(Value::Number(*number)),
        Cell::Bytes(bytes) => Some(Value::Bytes(bytes)),
    }
}

/// A column of many rows, as an array.
enum Column<'a> {
    Numbers(Vec<Option<i64>>),
    Blobs(Vec<&'a [u8]>),
}

impl<'a> Column<'a> {
    fn of(rows: &'a [Vec<Cell>], at: usize, form: Form) -> Self {
        let cells = rows.iter().map(|row| row.get(at));
        match form {
            Form::Bytes => Self::Blobs(
                cells.map(|cell| if let Some(Cell::Bytes(bytes)) = cell { bytes } else { &[][..] }).collect(),
            ),
            _ => Self::Numbers(
                cells
                    .map(|cell| if let Some(Cell::Number(number)) = cell { Some(*number) } else { None })
                    .collect(),
            ),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Numbers(numbers) => Value::Numbers(numbers),
            Self::Blobs(blobs) => Value::Blobs(blobs),
        }
    }
}
