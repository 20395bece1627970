//! A line of a file of cards, and the card that it tells of.

use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::command::{CardSource, Provision};
use crate::types::{
    AuthReference, Domain, Evidence, Expiry, Pan, PanError, Par, ProviderName, Reference, Trid,
};
use crate::wire::Status;

/// What all cards of a file have in common, and what holds where a line says
/// nothing else.
#[derive(Debug, Clone)]
pub struct Template {
    /// The requestor.
    pub trid: Trid,
    /// Who authenticated the cardholders.
    pub auth_provider: Reference,
    /// The reference of a line without one.
    pub auth_reference: Option<Reference>,
    /// The number of an authentication of a line without one.
    pub auth_number: Option<AuthReference>,
    /// Where and how the tokens may be used.
    pub domain: Domain,
    /// Where they become active, if that is not the network.
    pub providers: Option<Vec<ProviderName>>,
}

/// Why a line makes no token. Nothing of the line is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The status, as the daemon's or of the file alone.
    pub status: &'static str,
    /// What it says to a person.
    pub says: String,
}

/// Why the first line of a file names no columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ColumnsError {
    /// No column is called so, or another is already.
    #[error("the name of column {0} is none of {names}, or stands twice", names = Column::ALL.map(Column::name).join(", "))]
    Name(usize),
    /// Cards expire.
    #[error("the columns named have no expiry")]
    NoExpiry,
}

/// A column of a file of cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Pan,
    Expiry,
    AuthReference,
    AuthNumber,
    Par,
}

/// The columns of a file, in their order.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

impl Column {
    const ALL: [Self; 5] = [Self::Pan, Self::Expiry, Self::AuthReference, Self::AuthNumber, Self::Par];

    const fn name(self) -> &'static str {
        match self {
            Self::Pan => "pan",
            Self::Expiry => "expiry",
            Self::AuthReference => "auth_reference",
            Self::AuthNumber => "auth_number",
            Self::Par => "par",
        }
    }

    fn reject(self, status: Status) -> Reject {
        Reject { status: status.name(), says: format!("{}: {status}", self.name()) }
    }
}

impl Columns {
    /// The columns of a file whose first line does not name them.
    #[must_use]
    pub fn usual() -> Self {
        Self(Column::ALL.to_vec())
    }

    /// The columns that a line names; none if it names no `pan`, so that it is a card.
    ///
    /// # Errors
    /// [`ColumnsError`], in it.
    #[must_use]
    pub fn named(line: &[u8]) -> Option<Result<Self, ColumnsError>> {
        let of = |field: &[u8]| {
            let field = unquoted(field)?;
            Column::ALL.into_iter().find(|column| field.eq_ignore_ascii_case(column.name().as_bytes()))
        };
        let found: Vec<_> = line.split(|byte| *byte == b',').map(of).collect();
        found.contains(&Some(Column::Pan)).then(|| Self::checked(&found))
    }

    fn checked(found: &[Option<Column>]) -> Result<Self, ColumnsError> {
        let mut columns: Vec<Column> = Vec::new();
        for (nth, column) in found.iter().enumerate() {
            match column {
                Some(column) if !columns.contains(column) => columns.push(*column),
                _ => return Err(ColumnsError::Name(nth.saturating_add(1))),
            }
        }
        if columns.contains(&Column::Expiry) { Ok(Self(columns)) } else { Err(ColumnsError::NoExpiry) }
    }
}

impl Template {
    /// The same text for the same template, another for any other.
    #[must_use]
    pub fn canonical(&self) -> String {
        let providers = self.providers.as_ref();
        json!({
            "trid": self.trid.to_string(),
            "auth_provider": self.auth_provider.as_str(),
            "auth_reference": self.auth_reference.as_ref().map(Reference::as_str),
            "auth_number": self.auth_number.as_ref().map(AuthReference::as_str),
            "merchant": self.domain.merchant,
            "channels": self.domain.channels.bits(),
            "demands": self.domain.demands.bits(),
            "providers": providers.map(|names| names.iter().map(ProviderName::as_str).collect::<Vec<_>>()),
        })
        .to_string()
    }

    /// The card of a line.
    ///
    /// # Errors
    /// [`Reject`], which tells nothing of what the line holds.
    pub fn card(&self, columns: &Columns, line: &[u8]) -> Result<Provision, Reject> {
        let fields = Fields::of(columns, line)?;
        let pan = pan(fields.get(Column::Pan))?;
        let expiry = Expiry::parse(fields.get(Column::Expiry));
        let expiry = expiry.map_err(|_| Column::Expiry.reject(Status::ExpiryMalformed))?;
        let evidence = Evidence {
            provider: self.auth_provider.clone(),
            reference: self.reference(&fields)?,
            auth_reference: self.number(&fields)?,
        };
        let checked = evidence.check_for(pan.network());
        checked.map_err(|_| Column::AuthNumber.reject(Status::AuthReferenceRequired))?;
        let par = fields.text(Column::Par, Status::ParMalformed)?;
        let par = par.map(Par::parse).transpose().map_err(|_| Column::Par.reject(Status::ParMalformed))?;
        let (trid, domain, providers) = (self.trid, self.domain.clone(), self.providers.clone());
        let card = CardSource::Clear { pan, expiry };
        Ok(Provision { card, trid, evidence, par, domain, providers })
    }

    fn reference(&self, fields: &Fields<'_>) -> Result<Reference, Reject> {
        let malformed = Status::EvidenceMalformed;
        match (fields.text(Column::AuthReference, malformed)?, &self.auth_reference) {
            (Some(text), _) => Reference::parse(text).map_err(|_| Column::AuthReference.reject(malformed)),
            (None, Some(usual)) => Ok(usual.clone()),
            (None, None) => Err(Column::AuthReference.reject(Status::EvidenceMissing)),
        }
    }

    fn number(&self, fields: &Fields<'_>) -> Result<Option<AuthReference>, Reject> {
        let malformed = Status::AuthReferenceMalformed;
        let Some(text) = fields.text(Column::AuthNumber, malformed)? else {
            return Ok(self.auth_number.clone());
        };
        AuthReference::parse(text).map(Some).map_err(|_| Column::AuthNumber.reject(malformed))
    }
}

/// The fields of a line, by column; empty where the line has none.
struct Fields<'l>([&'l [u8]; Column::ALL.len()]);

impl<'l> Fields<'l> {
    fn of(columns: &Columns, line: &'l [u8]) -> Result<Self, Reject> {
        let mut fields = Self([&[]; Column::ALL.len()]);
        for (nth, field) in line.split(|byte| *byte == b',').enumerate() {
            let field = unquoted(field).ok_or_else(|| Reject {
                status: "quotes",
                says: "a quote stands in a field: fields have none, and no comma".to_owned(),
            })?;
            match columns.0.get(nth) {
                Some(column) => {
                    let place = Column::ALL.iter().position(|known| known == column);
                    if let Some(slot) = place.and_then(|place| fields.0.get_mut(place)) {
                        *slot = field;
                    }
                }
                None if field.is_empty() => {}
                None => {
                    let says = format!("the line has more than {} columns", columns.0.len());
                    return Err(Reject { status: "columns", says });
                }
            }
        }
        Ok(fields)
    }

    fn get(&self, column: Column) -> &'l [u8] {
        let place = Column::ALL.iter().position(|known| *known == column);
        place.and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }

    fn text(&self, column: Column, malformed: Status) -> Result<Option<&'l str>, Reject> {
        let text = std::str::from_utf8(self.get(column)).map_err(|_| column.reject(malformed))?;
        Ok((!text.is_empty()).then_some(text))
    }
}

/// A field without the blanks and the pair of quotes around it; none if another
/// quote is in it.
fn unquoted(field: &[u8]) -> Option<&[u8]> {
    let field = field.trim_ascii();
    let inner = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\""));
    let field = inner.unwrap_or(field).trim_ascii();
    (!field.contains(&b'"')).then_some(field)
}

/// A PAN, its blanks left out.
fn pan(field: &[u8]) -> Result<Pan, Reject> {
    let mut digits = Zeroizing::new(Vec::with_capacity(field.len()));
    digits.extend(field.iter().filter(|byte| **byte != b' '));
    Pan::parse(&digits).map_err(|error| {
        Column::Pan.reject(match error {
            PanError::Length => Status::PanLength,
            PanError::NotDigits => Status::PanNotDigits,
            PanError::Luhn => Status::PanLuhn,
        })
    })
}

#[cfg(test)]
mod tests;
