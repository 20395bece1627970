//! A card is saved: its token is provisioned, and an instrument stands for it.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Fault, House};
use crate::command::{CardSource, ChangeStatus, Provision, TokenView};
use crate::types::{
    AuthReference, CardHandle, DeactivationReason, Domain, Evidence, Fingerprint, IdempotencyKey, Network,
    ProviderName, Reference, StatusEvent, TokenStatus, UnixTime,
};
use crate::vault::card::CardFace;
use crate::vault::db::{DbError, Instrument, Merchant, Payment, Source, Standing};
use crate::vault::engine::EngineError;
use crate::vault::ids;
use crate::vault::network::Sandbox;
use crate::vault::network::test_cards::Scenario;
use crate::wire::Status;

/// A card to be saved. That it exists means that the cardholder consented and was
/// authenticated.
#[derive(Debug)]
pub struct Saved<'a> {
    /// Whose it is.
    pub merchant: &'a Merchant,
    /// The customer, where there is one.
    pub customer: Option<&'a str>,
    /// The card that the engine holds.
    pub handle: CardHandle,
    /// What may be shown of it.
    pub card: &'a CardFace,
    /// Who authenticated the cardholder.
    pub provider: &'a str,
    /// What it is called there.
    pub reference: &'a str,
    /// RuPay's authentication reference number.
    pub auth_reference: Option<&'a str>,
    /// What it is made from: from one origin one instrument is made.
    pub origin: &'a str,
    /// What the API keeps of it for showing.
    pub details: Value,
}

impl House {
    /// Keeps a card without a payment. It has a number in the engine, which no provider
    /// activates before a payment with a second factor.
    ///
    /// # Errors
    /// As [`save`](Self::save), and [`Fault::NotAuthenticated`] for a network that wants
    /// the number of an authentication.
    pub fn keep(&self, saved: &Saved<'_>, now: UnixTime) -> Result<Instrument, Fault> {
        if saved.card.network() == Network::Rupay && saved.auth_reference.is_none() {
            return Err(Fault::NotAuthenticated);
        }
        let view = self.provision(saved, Some(Vec::new()))?;
        let new = instrument(saved, &view, Standing::Kept, now)?;
        Ok(self.db.write(|tx| new.add(tx))?)
    }

    /// Saves the card of a payment that was charged, and tells the merchant. While the
    /// engine is away nothing happens.
    pub(super) fn save_of_payment(&self, payment: &Payment, now: UnixTime) -> Result<(), Fault> {
        let made = match (&payment.source, &payment.card) {
            (Source::Card(handle), Some(card)) => self.provision_of_payment(payment, *handle, card, now),
            (Source::Saved(pk), _) => self.tokenise(*pk),
            _ => Err(Fault::CardGone),
        };
        let made = match made {
            Ok(instrument) => Some(instrument),
            Err(Fault::Engine(EngineError::Away)) => return Ok(()),
            Err(fault @ (Fault::Db(_) | Fault::Random(_))) => return Err(fault),
            // The payment stands; only the card is not saved.
            Err(_) => None,
        };
        self.db.write(|tx| -> Result<(), DbError> {
            let pk = match &made {
                Some(kept) if kept.pk != 0 => {
                    Instrument::tokenised(tx, kept.pk)?;
                    Some(kept.pk)
                }
                Some(made) => Some(made.add(tx)?.pk),
                None => None,
            };
            Payment::saved(tx, payment.pk, pk)?;
            match Payment::by_pk(tx, payment.pk)? {
                Some(payment) => self.tell(tx, &payment, now),
                None => Ok(()),
            }
        })?;
        if let Source::Card(handle) = &payment.source {
            self.release(*handle);
        }
        Ok(())
    }

    fn provision_of_payment(
        &self,
        payment: &Payment,
        handle: CardHandle,
        card: &CardFace,
        now: UnixTime,
    ) -> Result<Instrument, Fault> {
        let merchant = self.db.read(|db| Merchant::by_pk(db, payment.merchant))?;
        let merchant = merchant.ok_or(Fault::NotFound("merchant"))?;
        let saved = Saved {
            merchant: &merchant,
            customer: payment.customer.as_deref(),
            handle,
            card,
            provider: "sandbox",
            reference: &payment.id,
            // The sandbox is RuPay's issuer too, and numbers authentications as payments.
            auth_reference: Some(payment.id.get(..26).unwrap_or(&payment.id)),
            origin: &format!("payment:{}", payment.id),
            details: json!({}),
        };
        self.tokenised(&saved, now)
    }

    /// The token of a card that is kept becomes active, at the providers at which that of
    /// a new one would.
    fn tokenise(&self, pk: i64) -> Result<Instrument, Fault> {
        let kept = self.db.read(|db| Instrument::by_pk(db, pk))?.ok_or(Fault::NotFound("instrument"))?;
        let scenario = self.scenario(&kept.fingerprint)?;
        let network = kept.card.network();
        let providers = Sandbox::providers(scenario, network)
            .unwrap_or_else(|| ProviderName::parse(network.name()).into_iter().collect());
        let mut view = None;
        for provider in providers {
            let key = engine_key(&format!("tokenise:{}", provider.as_str()), &kept.id);
            view = Some(self.engine.ask(|client| {
                let provider = Some(provider.clone());
                let change = ChangeStatus { token: kept.token, provider, event: StatusEvent::Resume };
                client.change_status(change, IdempotencyKey::parse(key.as_bytes()).ok())
            })?);
        }
        // No provider takes it: it stays kept, and its card can be paid with as before.
        self.play(&view.ok_or(Fault::ProviderTimeout)?, scenario)?;
        Ok(kept)
    }

    fn scenario(&self, card: &Fingerprint) -> Result<Scenario, Fault> {
        let scenario = self.sandbox.scenario(&self.engine, card)?;
        if scenario == Scenario::ProviderTimeout { Err(Fault::ProviderTimeout) } else { Ok(scenario) }
    }

    pub(super) fn tokenised(&self, saved: &Saved<'_>, now: UnixTime) -> Result<Instrument, Fault> {
        let fingerprint = saved.card.fingerprint().ok_or(Fault::CardGone)?;
        let scenario = self.scenario(&fingerprint)?;
        let view = self.provision(saved, Sandbox::providers(scenario, saved.card.network()))?;
        let given = view.providers.overall() != TokenStatus::Initiated;
        self.play(&view, scenario)?;
        instrument(saved, &view, if given { Standing::Tokenised } else { Standing::Initiated }, now)
    }

    fn provision(&self, saved: &Saved<'_>, providers: Option<Vec<ProviderName>>) -> Result<TokenView, Fault> {
        let key = engine_key("save", saved.origin);
        let provisioned = self.engine.ask(|client| {
            let asked = provision(saved, providers.clone())?;
            client.provision(asked, IdempotencyKey::parse(key.as_bytes()).ok())
        });
        match provisioned {
            Err(EngineError::Refused(Status::UnknownHold)) => Err(Fault::CardGone),
            other => Ok(other?),
        }
    }

    /// What happens to the tokens of some test cards.
    fn play(&self, view: &TokenView, scenario: Scenario) -> Result<(), Fault> {
        let provider =
            view.providers.as_slice().iter().map(|(name, _)| name).find(|name| name.as_str() == "issuer");
        let (provider, event) = match scenario {
            Scenario::Suspended => (None, StatusEvent::Suspend),
            Scenario::SuspendedAtIssuer => (provider.cloned(), StatusEvent::Suspend),
            Scenario::Expired => (None, StatusEvent::Deactivate(DeactivationReason::Expired)),
            _ => return Ok(()),
        };
        let key = engine_key("play", view.token.digits().as_str());
        self.engine.ask(|client| {
            let change = ChangeStatus { token: view.token, provider: provider.clone(), event };
            client.change_status(change, IdempotencyKey::parse(key.as_bytes()).ok())
        })?;
        Ok(())
    }
}

/// A key for the engine, of the size that it takes, from a name of any size.
pub(super) fn engine_key(operation: &str, name: &str) -> String {
    let hash = Sha256::new().chain_update(operation).chain_update([0]).chain_update(name).finalize();
    HEXLOWER.encode(&hash)
}

fn instrument(
    saved: &Saved<'_>,
    view: &TokenView,
    standing: Standing,
    now: UnixTime,
) -> Result<Instrument, Fault> {
    Ok(Instrument {
        pk: 0,
        id: ids::uuid()?,
        uid: ids::hex::<32>()?,
        tag: ids::tag()?,
        merchant: saved.merchant.pk,
        customer: saved.customer.map(str::to_owned),
        token: view.token,
        token_expiry: view.expiry,
        trid: view.trid,
        par: view.par.clone(),
        fingerprint: view.fingerprint,
        card: saved.card.clone(),
        afa_reference: saved.reference.to_owned(),
        standing,
        details: saved.details.clone(),
        origin: saved.origin.to_owned(),
        created: now,
        deleted: None,
    })
}

fn provision(
    saved: &Saved<'_>,
    providers: Option<Vec<ProviderName>>,
) -> Result<Provision, crate::client::ClientError> {
    let malformed = |_| crate::client::ClientError::Request(Status::EvidenceMalformed.into());
    let network = saved.card.network();
    let auth_reference = saved.auth_reference.filter(|_| network == Network::Rupay);
    Ok(Provision {
        card: CardSource::Held(saved.handle),
        trid: saved.merchant.trid,
        evidence: Evidence {
            provider: Reference::parse(saved.provider).map_err(malformed)?,
            reference: Reference::parse(saved.reference).map_err(malformed)?,
            auth_reference: match auth_reference {
                Some(reference) => Some(AuthReference::parse(reference).map_err(|_| {
                    crate::client::ClientError::Request(Status::AuthReferenceMalformed.into())
                })?),
                None => None,
            },
        },
        par: None,
        domain: Domain::default(),
        providers,
    })
}
