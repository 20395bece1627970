//! `tally postgres`: what a database needs before it can hold a store.

mod check;

use serde_json::json;
use tallystick::store::postgres::{ROLE_SQL, SCHEMA_SQL};

use crate::arguments::PostgresTask;
use crate::output::{Failure, Output};

/// Does it.
pub fn run(task: &PostgresTask, output: &Output) -> Result<(), Failure> {
    match task {
        PostgresTask::Schema => output.item(
            || json!({"schema": SCHEMA_SQL, "role": ROLE_SQL}),
            || Some(format!("{SCHEMA_SQL}\n{}", ROLE_SQL.trim_end())),
        ),
        PostgresTask::Check { dir, opener } => check::run(&dir.dir, opener, output)?,
    }
    Ok(())
}
