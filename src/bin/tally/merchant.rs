//! `tally merchant`: who may call the vault.

use serde_json::{Map, Value, json};
use tallystick::types::UnixTime;
use tallystick::vault::Config;
use tallystick::vault::db::{Db, DbError, Merchant};
use tallystick::vault::merchants::{Given, Wanted, add};

use crate::arguments::vault::{MerchantTask, NewMerchant};
use crate::output::{Failure, Output};

/// Adds or lists.
pub fn run(task: &MerchantTask, output: &Output) -> Result<(), Failure> {
    match task {
        MerchantTask::Add(new) => add_one(new, output),
        MerchantTask::List { dir } => {
            let db = Db::open(&Config::database_in(dir)).map_err(|error| Failure::new(error.to_string()))?;
            let all =
                db.read::<_, DbError>(Merchant::all).map_err(|error| Failure::new(error.to_string()))?;
            for merchant in all {
                output.item(
                    || {
                        json!({"name": merchant.name, "trid": merchant.trid.to_string(),
                            "wide_mask": merchant.wide_mask, "webhook": merchant.webhook})
                    },
                    || Some(format!("{}  TRID {}", merchant.name, merchant.trid)),
                );
            }
            Ok(())
        }
    }
}

fn add_one(new: &NewMerchant, output: &Output) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let db = Db::open(&Config::database_in(&new.dir)).map_err(|error| failed(&error))?;
    let wanted =
        Wanted { name: &new.name, trid: new.trid, wide_mask: new.wide_mask, webhook: new.webhook.as_deref() };
    let given = add(&db, &wanted, UnixTime::from_system_clock()).map_err(|error| failed(&error))?;
    output.item(|| credentials(&new.name, &given), || Some(told(&new.name, &given)));
    Ok(())
}

/// Credentials as JSON.
pub fn credentials(name: &str, given: &Given) -> Value {
    let mut apis = Map::new();
    for (api, id, secret) in &given.credentials {
        apis.insert(api.name().to_owned(), json!({"id": id, "secret": secret}));
    }
    json!({"name": name, "credentials": apis, "webhook_secret": given.webhook_secret})
}

fn told(name: &str, given: &Given) -> String {
    let mut lines = vec![format!("{name}: keep these, only their hashes are stored")];
    for (api, id, secret) in &given.credentials {
        lines.push(format!("  {:<9} id {id}  secret {secret}", api.name()));
    }
    if let Some(secret) = &given.webhook_secret {
        lines.push(format!("  webhooks are signed with {secret}"));
    }
    lines.join("\n")
}
