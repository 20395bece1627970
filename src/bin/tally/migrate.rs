//! `tally migrate`: a store changes its place, and only when every row was compared may it be
//! opened there.

use std::fs;
use std::path::Path;

use serde_json::json;
use tallystick::daemon::config::{Config, StoreConfig};
use tallystick::daemon::paths;
use tallystick::secmem::harden;
use tallystick::store::postgres::PostgresConfig;
use tallystick::store::{Migration, StoreError, StoreLock};

use crate::arguments::MigrateTask;
use crate::keys_at_rest;
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Moves it.
pub fn run(task: &MigrateTask, output: &Output) -> Result<(), Failure> {
    harden()?;
    let (MigrateTask::ToPostgres { dir } | MigrateTask::ToSqlite { dir }) = task;
    let dir = dir.dir.as_path();
    // Both held to the end: a daemon on a database holds the one of the file not.
    let lock = keys_at_rest::alone(dir)?;
    let _alone = StoreLock::take(&paths::daemon(dir)).map_err(|error| match error {
        StoreError::InUse => Failure::new("tallyd is running on this directory; stop it first"),
        error => error.into(),
    })?;
    let config = database(dir)?;
    let path = paths::store(dir);
    let migration = match task {
        MigrateTask::ToPostgres { .. } => Migration::to_postgres(lock, &path, &config)?,
        MigrateTask::ToSqlite { .. } => Migration::to_sqlite(&config, lock, &path)?,
    };
    let rows = carry(migration, *output)?;
    let next = match task {
        MigrateTask::ToPostgres { .. } => {
            let moved = dir.join("tally.db-moved");
            fs::rename(&path, &moved)
                .map_err(|error| Failure::new(format!("{}: {error}", moved.display())))?;
            format!("the file is {} now; start tallyd", moved.display())
        }
        MigrateTask::ToSqlite { .. } => {
            "take [store] out of tallyd.toml and start tallyd; the database can be dropped".to_owned()
        }
    };
    output.item(
        || json!({"ok": true, "rows": rows}),
        || Some(format!("moved          {rows} rows, all of them compared\nNow: {next}")),
    );
    Ok(())
}

pub(crate) fn database(dir: &Path) -> Result<PostgresConfig, Failure> {
    match Config::read(&paths::config(dir))?.store {
        StoreConfig::Postgres(config) => Ok(*config),
        StoreConfig::Sqlite => Err(Failure::new("[store] in tallyd.toml must name the database")),
    }
}

/// Takes every step. How many rows there are.
fn carry(mut migration: Migration, output: Output) -> Result<u64, Failure> {
    let interrupt = Interrupt::watch()?;
    let (done, total) = migration.progress();
    let mut progress = Progress::begin(output, "rows moved and compared", done, total);
    while migration.step()? {
        let (done, total) = migration.progress();
        progress.at(done, total);
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted(
                "the same command goes on where it was; until it is through, neither store may be used",
            ));
        }
    }
    progress.end();
    let rows = migration.rows();
    migration.finish()?;
    Ok(rows)
}
