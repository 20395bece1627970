//! `tally postgres check`: whether all that a shared store holds is what its nodes wrote,
//! while they go on writing.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tallystick::daemon::config::Config;
use tallystick::daemon::paths;
use tallystick::engine::Engine;
use tallystick::secmem::{Region, harden};
use tallystick::store::Store;
use tallystick::store::postgres::PostgresStore;
use tallystick::types::UnixTime;

use crate::arguments::Opener;
use crate::keys_at_rest;
use crate::migrate::database;
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Slots of locked memory: every version of every key.
const SLOTS: usize = 2048;
/// Rows read at a time.
const STEP: usize = 1000;

/// Loads everything as a node does that starts, of one moment, and then reads every row.
pub fn run(dir: &Path, opener: &Opener, output: &Output) -> Result<(), Failure> {
    harden()?;
    let database = database(dir)?;
    let config = Config::read(&paths::config(dir))?;
    let region = Region::new(SLOTS)?;
    let (keys, _) = keys_at_rest::open(dir, &region, &opener.secrets, Some(&opener.device))?;
    let mut store = PostgresStore::look_at(&database)?;
    let keyring = Arc::new(keys.load_native()?);
    let now = UnixTime::from_system_clock();
    let (engine, chain) = Engine::new(config.engine).unseal(keyring, &mut store, &[], now)?;
    let tokens = engine.token_count();
    let (interrupt, mut after, mut rows) = (Interrupt::watch()?, None, 0_u64);
    let mut progress = Progress::begin(*output, "rows checked", 0, u64::try_from(tokens)?);
    loop {
        let read = store.tokens_after(after, STEP)?;
        let Some(last) = read.last() else { break };
        after = Some(last.slot);
        for row in read {
            let slot = row.slot.0;
            if !engine.is_authentic(row) {
                progress.end();
                return Err(Failure::new(format!("the row at slot {slot} is not as a node wrote it")));
            }
            rows += 1;
        }
        progress.at(rows, rows.max(u64::try_from(tokens)?));
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted("nothing was changed; the rows after this were not read"));
        }
    }
    progress.end();
    if rows < u64::try_from(tokens)? {
        return Err(Failure::new(format!("{tokens} tokens are known, and {rows} rows are there")));
    }
    let group = chain.head().number.0;
    output.item(
        || json!({"ok": true, "group": group, "tokens": tokens, "rows": rows}),
        || {
            Some(format!(
                "checked        group {group}: chain, pages and records of {tokens} tokens\n\
                 good           {rows} rows, each as a node wrote it"
            ))
        },
    );
    Ok(())
}
