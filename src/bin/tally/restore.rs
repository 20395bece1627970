//! `tally restore`: the one way on from a database that is older than its anchor.
//!
//! What was issued and accepted after the copy was made is not known any more.
//! So every cryptogram that is still out becomes void: a new token derivation key
//! takes over, all older ones are destroyed, and no counter can collide with one
//! that was issued under them.

mod copy;

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::daemon::anchor::{self, Place};
use tallystick::daemon::config::{Config, StoreConfig};
use tallystick::daemon::paths;
use tallystick::engine::{Anchor, Engine};
use tallystick::keys::{KeyState, Keyring, OpenKeyring};
use tallystick::secmem::{Region, harden};
#[cfg(feature = "postgres")]
use tallystick::store::postgres::PostgresStore;
use tallystick::store::{ChainHead, Epoch, SqliteStore, Store, StoreLock};
use tallystick::types::{KeyVersion, UnixTime};

use crate::arguments::Restore;
use crate::audit;
use crate::keys_at_rest::{self, Secret};
use crate::output::{Failure, Output};

/// Counters that each card skips whose application cryptograms are made here, one too
/// whose first was issued after the copy: their key stays, so those that were issued
/// since must not come once more.
const SKIPPED: u32 = 1024;
/// Slots of locked memory: every version of every key, twice.
const SLOTS: usize = 2048;

/// What was found and done.
struct Restored {
    tokens: usize,
    head: ChainHead,
    epoch: Epoch,
    token_key: KeyVersion,
}

/// Restores and tells what is there now.
pub fn run(arguments: &Restore, output: &Output) -> Result<(), Failure> {
    harden()?;
    let dir = arguments.dir.dir.as_path();
    // Held to the end: no daemon opens it meanwhile, and nobody changes its keyring.
    let lock = keys_at_rest::alone(dir)?;
    let config = Config::read(&paths::config(dir))?;
    let region = Region::new(SLOTS)?;
    // Before anything long: a wrong passphrase is told at once.
    let (keys, secret) =
        keys_at_rest::open(dir, &region, &arguments.opener.secrets, Some(&arguments.opener.device))?;
    if let Some(from) = &arguments.from {
        if !matches!(config.store, StoreConfig::Sqlite) {
            return Err(Failure::new(
                "the store is a database: bring the copy back by its own means, without --from",
            ));
        }
        copy::bring(from, &lock, &paths::store(dir), *output)?;
    }
    let restored = restore(dir, lock, &config, keys, (&region, &secret))?;
    output.item(
        || {
            json!({
                "ok": true, "tokens": restored.tokens, "group": restored.head.number.0,
                "epoch": restored.epoch.0, "token_derivation": restored.token_key.get(),
            })
        },
        || Some(told(&restored)),
    );
    Ok(())
}

fn told(restored: &Restored) -> String {
    let Restored { tokens, head, epoch, token_key } = restored;
    format!(
        "restored       {tokens} tokens as of group {}, epoch {}\n\
         token keys     version {token_key}; all older ones are destroyed\n\
         Every cryptogram issued before is void. Cards saved, and tokens suspended or ended, after\n\
         the copy was made are not known any more. Back the keyring up.",
        head.number.0, epoch.0
    )
}

/// Accepts the database as it stands, under new token keys and a new epoch.
fn restore(
    dir: &Path,
    lock: StoreLock,
    config: &Config,
    mut keys: OpenKeyring,
    (region, secret): (&Region, &Secret),
) -> Result<Restored, Failure> {
    let mut store = open_store(dir, lock, config)?;
    let keyring = Arc::new(keys.load_native()?);
    let mut places = anchor::places(&config.anchor, dir);
    let newest = newest_epoch(&mut places, &keyring)?;
    let engine = Engine::new(config.engine.clone());
    let (mut engine, mut chain) = engine.unseal(keyring, &mut *store, &[], UnixTime::from_system_clock())?;
    let before = chain.head().number;
    let detail = format!("the database of group {}; older token keys are destroyed", before.0);
    audit::record_restore(dir, &keys, detail)?;
    // It is what it was once, under these keys. From here on things change, and a
    // second run after a failure changes them again, which does no harm.
    engine.skip_card_counters(SKIPPED);
    if let Some(group) = engine.take_group() {
        store.append(&chain.seal(group, before))?;
    }
    let head = chain.head();
    let token_key = keys.rotate(&SystemRandom, KeyPurpose::TokenDerivation, UnixTime::from_system_clock())?;
    destroy_older(&mut keys)?;
    keys_at_rest::replace(dir, &keys, region, secret)?;
    store.outgrow(newest)?;
    let epoch = store.epoch();
    anchor::write_all(&mut places, &keys.load_native()?, &Anchor { epoch, head, token_key })?;
    store.set_anchored()?;
    Ok(Restored { tokens: engine.token_count(), head, epoch, token_key })
}

fn open_store(dir: &Path, lock: StoreLock, config: &Config) -> Result<Box<dyn Store>, Failure> {
    Ok(match &config.store {
        StoreConfig::Sqlite => Box::new(SqliteStore::open_held(lock, &paths::store(dir))?),
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres(config) => Box::new(PostgresStore::open(config)?.holding(lock)),
    })
}

/// The newest epoch that any anchor remembers. One that is damaged remembers
/// none; one that cannot be asked might.
fn newest_epoch(places: &mut [Box<dyn Place>], keyring: &Keyring) -> Result<Epoch, Failure> {
    let mut newest = Epoch(0);
    for place in places {
        let name = place.name();
        let anchor = anchor::read(&mut **place, keyring);
        let anchor = anchor.map_err(|error| Failure::new(format!("the {name}: {error}")))?;
        newest = newest.max(anchor.and_then(Result::ok).map_or(Epoch(0), |anchor| anchor.epoch));
    }
    Ok(newest)
}

fn destroy_older(keys: &mut OpenKeyring) -> Result<(), Failure> {
    let purpose = KeyPurpose::TokenDerivation;
    let retiring =
        |info: &&tallystick::keys::KeyInfo| info.purpose == purpose && info.state == KeyState::Retiring;
    let older: Vec<KeyVersion> = keys.infos().filter(retiring).map(|info| info.version).collect();
    for version in older {
        keys.destroy(purpose, version)?;
    }
    Ok(())
}
