//! Merchants are added, with a secret for each API.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::db::{Api, Credential, Db, DbError, Merchant, NewMerchant};
use super::ids::{self, NoRandom};
use crate::types::{Trid, UnixTime};

/// What a new merchant is given, once: only hashes are kept.
#[derive(Debug)]
pub struct Given {
    /// API, id and secret.
    pub credentials: Vec<(Api, String, String)>,
    /// The secret that its webhooks are signed with, where it has any.
    pub webhook_secret: Option<String>,
}

/// A merchant to be added.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Its name, 1 to 64 letters, digits and `_ -`.
    pub name: &'a str,
    /// The requestor that its tokens are for.
    pub trid: Trid,
    /// Whether masks show the first four digits of a card.
    pub wide_mask: bool,
    /// Where its webhooks go.
    pub webhook: Option<&'a str>,
}

/// Why no merchant is added.
#[derive(Debug, Error)]
pub enum MerchantError {
    /// The name.
    #[error("a merchant's name has 1 to 64 letters, digits, - and _")]
    Name,
    /// The address.
    #[error("a webhook's address begins with http:// or https://")]
    Webhook,
    /// There is one.
    #[error("there is a merchant of this name")]
    Taken,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The system.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// Adds a merchant and makes its secrets.
///
/// # Errors
/// [`MerchantError`].
pub fn add(db: &Db, wanted: &Wanted<'_>, now: UnixTime) -> Result<Given, MerchantError> {
    let name = wanted.name;
    let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(named) {
        return Err(MerchantError::Name);
    }
    if wanted.webhook.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(MerchantError::Webhook);
    }
    let mut credentials = Vec::new();
    for api in Api::ALL {
        let id = match api {
            Api::Cashfree => format!("cf_{}", ids::hex::<8>()?),
            Api::Razorpay => format!("rzp_{}", ids::hex::<8>()?),
            Api::Juspay => name.to_owned(),
            Api::Sessions => format!("ps_{}", ids::hex::<8>()?),
        };
        credentials.push((api, id, ids::secret()?));
    }
    let webhook_secret = wanted.webhook.map(|_| ids::secret()).transpose()?;
    let key = webhook_secret.as_ref().map(|secret| Sha256::digest(secret.as_bytes()).into());
    let new = NewMerchant {
        name,
        trid: wanted.trid,
        wide_mask: wanted.wide_mask,
        webhook: wanted.webhook.zip(key),
    };
    db.write(|tx| {
        let pk = Merchant::add(tx, &new, now)?.ok_or(MerchantError::Taken)?;
        for (api, id, secret) in &credentials {
            // Juspay's merchants are known by their key alone: its hash is the id.
            let hashed = (*api == Api::Juspay).then(|| key_id(secret));
            let credential = Credential { api: *api, id: hashed.as_deref().unwrap_or(id) };
            Merchant::let_in(tx, pk, &credential, secret, now)?;
        }
        Ok::<_, MerchantError>(())
    })?;
    Ok(Given { credentials, webhook_secret })
}

/// By what a key is found that comes without an id: a hash of it, another than the one
/// that is compared.
#[must_use]
pub fn key_id(key: &str) -> String {
    let hash =
        Sha256::new().chain_update("tallystick/vault/key-id").chain_update([0]).chain_update(key).finalize();
    data_encoding::HEXLOWER.encode(&hash)
}
