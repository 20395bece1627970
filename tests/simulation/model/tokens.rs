//! Saving, changing and listing tokens.

use tallystick::command::Refusal;
use tallystick::types::{Network, StatusEvent, TokenNumber, Trid};

use super::decide::{Outcome, answered, is_past, refused};
use super::state::{BadMacs, Effect, Expected, ParOf, Row, Shorts, Standing, Token};
use super::{Asked, Model};
use crate::wish::{Card, CardNumber, network};

const PROVIDERS: usize = 8;

impl Model {
    pub(super) fn provision(&self, asked: &Asked<'_>, card: &Card) -> Outcome {
        if !asked.peer.may_act_for(card.trid) {
            return refused(Refusal::TridNotAllowed);
        }
        if is_past(card.expiry, asked.now) {
            return refused(Refusal::ExpiryPast);
        }
        let id = self.decided.tokens.len();
        if id >= self.limits.tokens {
            return refused(Refusal::TokenLimit);
        }
        if network(card.card) == Network::Mastercard {
            return refused(Refusal::NoTokenRange);
        }
        let names = card.providers.clone().unwrap_or_else(|| vec![network(card.card).name()]);
        let providers = names.into_iter().map(|name| (name, Standing::Active)).collect();
        let row = Row { providers, expiry: card.expiry, sealed: Some(self.sealing_key) };
        let token = Token {
            card: card.card,
            trid: card.trid,
            rules: card.rules,
            created: asked.now,
            rows: vec![row.clone()],
            issued: 0,
            consumed: Vec::new(),
            newest_consumed: 0,
            shorts: Shorts::default(),
            bad_macs: BadMacs::default(),
        };
        let given = card.par.clone().map(ParOf::Given);
        let link = match &given {
            None => None,
            Some(par) => match self.link(card.card, par) {
                Ok(link) => link,
                // A network's wins, but not from who is limited.
                Err(Refusal::ParConflict) if asked.peer.trids.is_none() => {
                    Some(Effect::Par(card.card, par.clone()))
                }
                Err(refusal) => return refused(refusal),
            },
        };
        let par = given.clone().unwrap_or_else(|| self.decided.par(card.card));
        let mut effects = vec![Effect::Token(id, Box::new(token))];
        effects.extend(link);
        (Ok(Expected::Token { id, row, par }), effects)
    }

    pub(super) fn change(
        &self,
        asked: &Asked<'_>,
        token: TokenNumber,
        provider: Option<&'static str>,
        event: StatusEvent,
    ) -> Outcome {
        let (id, token) = match self.find(asked, token) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        let mut row = token.row().clone();
        if row.is_deactivated() {
            return refused(Refusal::TokenDeactivated);
        }
        let to = match event {
            StatusEvent::Suspend => Standing::Suspended,
            StatusEvent::Resume => Standing::Active,
            StatusEvent::Deactivate(reason) => Standing::Deactivated(reason),
        };
        match provider {
            None => {
                let alive =
                    row.providers.iter_mut().filter(|(_, at)| !matches!(at, Standing::Deactivated(_)));
                alive.for_each(|(_, at)| *at = to);
            }
            Some(name) => match row.providers.iter().position(|(of, _)| *of == name) {
                Some(at) if matches!(row.providers[at].1, Standing::Deactivated(_)) => {
                    return refused(Refusal::TokenDeactivated);
                }
                Some(at) => row.providers[at].1 = to,
                None if to != Standing::Active => return refused(Refusal::UnknownProvider),
                None if row.providers.len() == PROVIDERS => return refused(Refusal::TooManyProviders),
                None => row.providers.push((name, to)),
            },
        }
        if row.is_deactivated() {
            row.sealed = None;
        }
        (Ok(self.shown(id, token, row.clone())), vec![Effect::Row(id, row)])
    }

    pub(super) fn renew(&self, asked: &Asked<'_>, token: TokenNumber, expiry: u16) -> Outcome {
        let (id, token) = match self.find(asked, token) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        if token.row().is_deactivated() {
            return refused(Refusal::TokenDeactivated);
        }
        if is_past(expiry, asked.now) {
            return refused(Refusal::ExpiryPast);
        }
        let row = Row { expiry, ..token.row().clone() };
        let shorts = Shorts { misses: 0, ..token.shorts.clone() };
        let cleared = Effect::BadMacs(id, BadMacs::default());
        let effects = vec![Effect::Row(id, row.clone()), Effect::Shorts(id, shorts), cleared];
        (Ok(self.shown(id, token, row)), effects)
    }

    pub(super) fn link_par(&self, asked: &Asked<'_>, card: CardNumber, predecessor: TokenNumber) -> Outcome {
        let predecessor = match self.find(asked, predecessor) {
            Ok((_, token)) => token.card,
            Err(refusal) => return refused(refusal),
        };
        let par = self.decided.par(predecessor);
        if card == predecessor {
            return answered(Expected::Par(par));
        }
        match self.link(card, &par) {
            Ok(link) => (Ok(Expected::Par(par)), link.into_iter().collect()),
            Err(refusal) => refused(refusal),
        }
    }

    /// What links a card to a PAR, if it is not linked to it already.
    fn link(&self, card: CardNumber, par: &ParOf) -> Result<Option<Effect>, Refusal> {
        match self.decided.pars.get(&card) {
            Some(linked) if linked == par => Ok(None),
            Some(_) => Err(Refusal::ParConflict),
            None if self.decided.pars.len() >= self.limits.links => Err(Refusal::CardLimit),
            None => Ok(Some(Effect::Par(card, par.clone()))),
        }
    }

    /// The rows that were read, each as it is now if it is not durable yet.
    pub(super) fn list(&self, asked: &Asked<'_>, trid: Trid, limit: u8) -> Outcome {
        if !asked.peer.may_act_for(trid) {
            return refused(Refusal::TridNotAllowed);
        }
        let listed = asked.rows.iter().map(|(id, revision)| {
            let token = &self.decided.tokens[*id];
            let row = if self.keeps(*id) { token.row() } else { &token.rows[usize::from(*revision)] };
            (*id, row.clone(), self.decided.par(token.card))
        });
        let next =
            (asked.rows.len() == usize::from(limit)).then(|| asked.rows.last().map(|(id, _)| *id as u32));
        answered(Expected::Page { tokens: listed.collect(), next: next.flatten() })
    }

    pub(super) fn reseal(&self, asked: &Asked<'_>, limit: u8) -> Outcome {
        let (mut looked_at, mut last, mut effects) = (0, None, Vec::new());
        for (id, revision) in asked.rows {
            let token = &self.decided.tokens[*id];
            if !asked.peer.may_act_for(token.trid) {
                return refused(Refusal::TridNotAllowed);
            }
            if !self.keeps(*id) && *revision != token.revision() {
                break;
            }
            if token.row().sealed.is_some_and(|version| version != self.sealing_key) {
                effects.push(Effect::Row(*id, Row { sealed: Some(self.sealing_key), ..token.row().clone() }));
            }
            looked_at += 1;
            last = Some(*id as u32);
        }
        let is_whole = looked_at == asked.rows.len();
        let next = if is_whole && asked.rows.len() < usize::from(limit) { None } else { last };
        let expected = Expected::Resealed {
            version: self.sealing_key,
            looked_at: looked_at as u32,
            resealed: effects.len() as u32,
            tokens: self.decided.tokens.len() as u32,
            next,
        };
        (Ok(expected), effects)
    }
}
