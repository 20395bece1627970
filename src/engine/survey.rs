//! Going through rows that were read from the store, whole and at their present
//! state, for what concerns all tokens. Nothing is changed.

use zeroize::Zeroizing;

use super::authentic::Authentic;
use super::operation::associated;
use super::record::TokenRecord;
use super::{Engine, Unsealed};
use crate::command::{Detokenized, Refusal};
use crate::store::TokenRow;
use crate::types::{KeyVersion, Pan, TokenNumber, Trid};

/// What was found in some rows.
#[derive(Debug)]
pub struct Survey<T> {
    /// What was looked for.
    pub found: Vec<T>,
    /// Rows looked at, from the first on: one that was written since it was read ends
    /// the survey before it, and is to be read again.
    pub looked_at: usize,
    /// Rows among them that cannot be read, or whose PAN does not open.
    pub unopened: usize,
}

/// What a row has to say.
enum Finding<T> {
    Found(T),
    Nothing,
    Unopened,
}

impl Engine<Unsealed> {
    /// Whether a row is as some node under this keyring wrote it, of now or of before.
    #[must_use]
    pub fn is_authentic(&self, row: TokenRow) -> bool {
        let opened = row.opened(&self.state.keyring.audit);
        opened.is_ok_and(|row| TokenRecord::from_body(&row.body).is_ok())
    }

    /// The PANs of tokens, of all requestors or of one.
    #[must_use]
    pub fn survey_pans(&self, rows: &[TokenRow], trid: Option<Trid>) -> Survey<(TokenNumber, Detokenized)> {
        self.survey(rows, |record| {
            if trid.is_some_and(|wanted| wanted != record.view.trid) || record.pan.is_none() {
                return Finding::Nothing;
            }
            let token = record.view.token;
            match self.opened_pan(record) {
                Ok(card) => Finding::Found((token, card)),
                Err(_) => Finding::Unopened,
            }
        })
    }

    /// The tokens whose PAN was sealed by this version of the PAN sealing key.
    #[must_use]
    pub fn survey_sealed_by(&self, rows: &[TokenRow], version: KeyVersion) -> Survey<TokenNumber> {
        self.survey(rows, |record| match record.pan {
            Some(sealed) if sealed.version == version => Finding::Found(record.view.token),
            _ => Finding::Nothing,
        })
    }

    /// The PAN of a record that has one.
    pub(super) fn opened_pan(&self, record: TokenRecord) -> Result<Detokenized, Refusal> {
        let sealed = record.pan.ok_or(Refusal::TokenDeactivated)?;
        let key = self.state.keyring.pan_sealing.get(sealed.version).ok_or(Refusal::KeyVersion)?;
        let view = &record.view;
        let associated = associated(view.token, view.trid, &view.fingerprint);
        let mut text = Zeroizing::new(sealed.text);
        // A row that was moved or changed does not open; the engine must not guess.
        let digits = key.open(sealed.nonce, &associated, &mut text).map_err(|_| Refusal::Stopped)?;
        let pan = Pan::parse(digits).map_err(|_| Refusal::Stopped)?;
        Ok(Detokenized { pan, expiry: view.card_expiry })
    }

    fn survey<T>(&self, rows: &[TokenRow], look: impl Fn(TokenRecord) -> Finding<T>) -> Survey<T> {
        let mut survey = Survey { found: Vec::with_capacity(rows.len()), looked_at: 0, unopened: 0 };
        for row in rows {
            let Some(record) = self.current(row) else { break };
            survey.looked_at += 1;
            match record.map_or(Finding::Unopened, &look) {
                Finding::Found(found) => survey.found.push(found),
                Finding::Nothing => {}
                Finding::Unopened => survey.unopened += 1,
            }
        }
        survey
    }
}
