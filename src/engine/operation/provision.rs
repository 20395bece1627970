//! Save a card: a new token, even for a card that has one.

use crate::account;
use crate::command::{CardSource, Provision, Refusal, Reply, TokenView};
use crate::crypto::TAG_LEN;
use crate::engine::book::Entry;
use crate::engine::record::{SealedPan, TokenRecord};
use crate::engine::{Context, Engine, Unsealed};
use crate::store::{Record, Space};
use crate::types::{
    Expiry, Fingerprint, Network, Pan, Par, ProviderName, ProviderStates, ProviderStatus, TokenNumber, Trid,
};

impl Engine<Unsealed> {
    pub(super) fn provision(&mut self, context: Context<'_>, request: &Provision) -> Result<Reply, Refusal> {
        // A handle that was not made a card on the way here holds none.
        let CardSource::Clear { pan, expiry } = &request.card else { return Err(Refusal::UnknownHold) };
        let (network, expiry) = (pan.network(), *expiry);
        self.check_provision(context, request, network, expiry)?;
        let token = self.draw_token(context, pan, network)?;
        let fingerprint = account::fingerprint(self.state.keyring.fingerprint.active().1, pan);
        let link = match &request.par {
            Some(par) if self.takes_networks(context, &fingerprint, par)? => Some(par),
            _ => None,
        };
        let derived = self.derived_par(pan)?;
        let sealed = self.seal_pan(context, pan, token, request.trid, &fingerprint)?;
        let record = TokenRecord {
            view: TokenView {
                token,
                expiry,
                card_expiry: expiry,
                card_last_four: pan.last_four(),
                pan_length: token.digit_count(),
                network,
                trid: request.trid,
                par: derived,
                fingerprint,
                providers: provider_states(request.providers.as_deref(), network)?,
                domain: request.domain.clone(),
                created: context.now,
            },
            revision: 0,
            evidence: request.evidence.clone(),
            pan: Some(sealed),
        };
        let (profile, fresh) = self.state.book.profiles.intern(request.trid, &request.domain);
        // A profile without a token does no harm, should there be no slot.
        self.state.open.records.extend(fresh);
        let slot = self.state.book.push(Entry::of(&record, profile)).ok_or(Refusal::TokenLimit)?;
        // Nothing fails from here on, so a refused card leaves no link behind.
        if let Some(par) = link {
            self.link(fingerprint, par);
        }
        let view = self.shown(&record);
        self.put_row(slot, record);
        Ok(Reply::Token(Box::new(view)))
    }

    fn check_provision(
        &self,
        context: Context<'_>,
        request: &Provision,
        network: Network,
        expiry: Expiry,
    ) -> Result<(), Refusal> {
        if !context.caller.may_act_for(request.trid) {
            return Err(Refusal::TridNotAllowed);
        }
        request.evidence.check_for(network)?;
        if expiry.is_past(context.now) {
            return Err(Refusal::ExpiryPast);
        }
        let limit = usize::try_from(self.config.limits.tokens).unwrap_or(usize::MAX);
        if self.token_count() >= limit {
            return Err(Refusal::TokenLimit);
        }
        Ok(())
    }

    fn draw_token(&self, context: Context<'_>, pan: &Pan, network: Network) -> Result<TokenNumber, Refusal> {
        let taken = |token| self.state.book.find(token).is_some();
        let mut refusal = Refusal::NoTokenRange;
        for (_, range) in self.config.token_ranges.iter().filter(|(of, _)| *of == network) {
            match range.draw(context.random, pan, taken) {
                Ok(token) => return Ok(token),
                Err(account::TokenRangeError::Full) => refusal = Refusal::TokenRangeFull,
                Err(account::TokenRangeError::Random(_)) => return Err(Refusal::Stopped),
            }
        }
        Err(refusal)
    }

    fn seal_pan(
        &self,
        context: Context<'_>,
        pan: &Pan,
        token: TokenNumber,
        trid: Trid,
        fingerprint: &Fingerprint,
    ) -> Result<SealedPan, Refusal> {
        let (version, key) = self.state.keyring.pan_sealing.active();
        let mut text = Vec::with_capacity(pan.digit_count() + TAG_LEN);
        text.extend_from_slice(pan.expose_digits());
        let associated = associated(token, trid, fingerprint);
        let nonce = key.seal(context.random, &associated, &mut text).map_err(|_| Refusal::Stopped)?;
        Ok(SealedPan { version, nonce, text })
    }

    /// The PAR that we derive; a linked one may stand before it.
    pub(super) fn derived_par(&self, pan: &Pan) -> Result<Par, Refusal> {
        let key = self.state.keyring.par.active().1;
        account::par(key, self.config.bin_controller, pan).ok_or(Refusal::Stopped)
    }

    /// Whether a card is still to be linked to the PAR that a network gave. That wins over
    /// what was linked before; but what is linked is shown for the tokens of every requestor,
    /// so whoever acts for some of them only does not change it.
    fn takes_networks(
        &self,
        context: Context<'_>,
        fingerprint: &Fingerprint,
        par: &Par,
    ) -> Result<bool, Refusal> {
        match self.needs_link(fingerprint, par) {
            Err(Refusal::ParConflict) if !context.caller.is_limited() => Ok(true),
            decided => decided,
        }
    }

    /// Whether a card is still to be linked to this PAR, and to no other yet.
    pub(super) fn needs_link(&self, fingerprint: &Fingerprint, par: &Par) -> Result<bool, Refusal> {
        match self.state.par_links.get(fingerprint.as_bytes()) {
            Some(linked) if linked == par => Ok(false),
            Some(_) => Err(Refusal::ParConflict),
            None if self.state.par_links.len() >= self.config.limits.par_links => Err(Refusal::CardLimit),
            None => Ok(true),
        }
    }

    /// Links a fingerprint to a PAR, for every token of the card.
    pub(super) fn link(&mut self, fingerprint: Fingerprint, par: &Par) {
        self.state.par_links.insert(*fingerprint.as_bytes(), par.clone());
        self.state.open.records.push(Record {
            space: Space::ParLink,
            key: fingerprint.as_bytes().to_vec(),
            expires: None,
            body: Some(par.as_str().as_bytes().to_vec()),
        });
    }
}

/// What a sealed PAN is bound to: it opens in no other row.
pub(in crate::engine) fn associated(token: TokenNumber, trid: Trid, fingerprint: &Fingerprint) -> Vec<u8> {
    [b"tallystick/v1/pan".as_slice(), token.digits().as_bytes(), &trid.digits(), fingerprint.as_bytes()]
        .concat()
}

fn provider_states(providers: Option<&[ProviderName]>, network: Network) -> Result<ProviderStates, Refusal> {
    let names = match providers {
        Some(providers) => providers.to_vec(),
        None => vec![ProviderName::parse(network.name()).map_err(|_| Refusal::UnknownProvider)?],
    };
    let list = names.into_iter().map(|name| (name, ProviderStatus::Active)).collect();
    ProviderStates::from_list(list).map_err(|_| Refusal::TooManyProviders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_pan_is_bound_to_its_token_requestor_and_card() {
        let token = TokenNumber::parse(b"6940001237311418").unwrap();
        let trid = Trid::parse(b"40010000001").unwrap();
        let expected = [b"tallystick/v1/pan694000123731141840010000001".as_slice(), &[7; 32]].concat();
        assert_eq!(associated(token, trid, &Fingerprint::from_bytes([7; 32])), expected);
    }
}
