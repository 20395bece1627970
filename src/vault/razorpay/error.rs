//! Errors: `{"error": {code, description, source, step, reason, field?, metadata}}`.

use serde_json::json;

use crate::vault::body::{BodyFault, FieldFault, Why};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::house::Fault;
use crate::vault::http::{Answer, Fail, Shape};
use crate::wire::Status;

/// What stands where an API has nothing to say.
const NONE: &str = "NA";
const BAD_REQUEST: &str = "BAD_REQUEST_ERROR";
const SERVER: &str = "SERVER_ERROR";
const PROVIDER_TIMEOUT: &str = "TOKEN_SERVICE_PROVIDER_TIMEOUT";
const INVALID: &str = "input_validation_failed";

/// An error as this API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    code: &'static str,
    description: String,
    source: &'static str,
    /// None: what the operation says.
    step: Option<&'static str>,
    reason: &'static str,
    field: Option<String>,
}

impl Error {
    /// A request that cannot be done as it is, since the caller's business forbids it.
    pub fn refused(description: impl Into<String>, reason: &'static str) -> Self {
        Self {
            status: 400,
            code: BAD_REQUEST,
            description: description.into(),
            source: "business",
            step: None,
            reason,
            field: None,
        }
    }

    /// The same for a field.
    pub fn field(name: &str, description: impl Into<String>) -> Self {
        Self { field: Some(name.to_owned()), ..Self::refused(description, INVALID) }
    }

    /// Something that is not there, or is another's.
    pub fn unknown() -> Self {
        Self::refused("The id provided does not exist", INVALID)
    }

    /// The credentials.
    pub fn credentials() -> Self {
        Self { status: 401, source: NONE, ..Self::refused("Authentication failed", NONE) }
    }

    /// With the step in which it happened, where it has none of its own.
    pub fn at(self, step: &'static str) -> Self {
        Self { step: self.step.or(Some(step)), ..self }
    }

    fn cvv() -> Self {
        let error = Self::field("cvv", "The cvv must be between 3 and 4 digits");
        Self { step: Some("payment_initiation"), ..error }
    }

    fn provider_timeout(status: u16) -> Self {
        Self {
            status,
            code: PROVIDER_TIMEOUT,
            description: Fault::ProviderTimeout.to_string(),
            source: "service_provider",
            step: Some("token_creation"),
            reason: "token_service_provider_timed_out",
            field: None,
        }
    }
}

impl Shape for Error {
    fn fail(fail: Fail) -> Self {
        let (code, source) = if fail.status() < 500 { (BAD_REQUEST, NONE) } else { (SERVER, "internal") };
        Self { status: fail.status(), code, source, ..Self::refused(fail.says(), NONE) }
    }

    fn answer(self) -> Answer {
        let Self { status, code, description, source, step, reason, field } = self;
        let mut error = json!({
            "code": code,
            "description": description,
            "source": source,
            "step": step.unwrap_or(NONE),
            "reason": reason,
            "metadata": {},
        });
        if let (Some(field), Some(error)) = (field, error.as_object_mut()) {
            error.insert("field".to_owned(), field.into());
        }
        Answer::json(status, &json!({ "error": error }))
    }
}

impl From<BodyFault> for Error {
    fn from(fault: BodyFault) -> Self {
        Self::refused(format!("The request is malformed: {fault}"), INVALID)
    }
}

impl From<FieldFault> for Error {
    fn from(fault: FieldFault) -> Self {
        let name = fault.path.rsplit('.').next().unwrap_or_default();
        match fault.why {
            Why::Missing | Why::Empty => {
                Self { source: "internal", ..Self::field(name, format!("The {name} is required")) }
            }
            _ if name == "cvv" => Self::cvv(),
            why => Self::field(name, format!("The {name} {}", why.says())),
        }
    }
}

impl From<DbError> for Error {
    fn from(_: DbError) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Away => Self::provider_timeout(503),
            EngineError::Refused(status) if status == Status::TokenRateLimited => {
                let description = "Too many requests for this token, try again later";
                Self { status: 429, ..Self::refused(description, status.name()) }
            }
            EngineError::Refused(status) => {
                let description = format!("The token service provider refuses: {}", status.says());
                Self { source: "service_provider", ..Self::refused(description, status.name()) }
            }
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault {
            Fault::Engine(error) => error.into(),
            Fault::ProviderTimeout => Self::provider_timeout(504),
            Fault::Db(_) | Fault::Random(_) => Self::fail(Fail::Internal),
            Fault::Pan(_) => Self::field("number", "The number is not valid"),
            Fault::Expiry(_) => Self::field("expiry_month", "The expiry_month is not valid"),
            Fault::CardExpired => Self::field("expiry_year", "The card has expired"),
            Fault::Cvv => Self::cvv(),
            Fault::OrderPaid => Self::refused("Payment already done for this order.", "order_already_paid"),
            Fault::OrderOver => Self::refused(message, "order_expired"),
            Fault::Attempts => Self::refused(message, "order_attempts_exceeded"),
            Fault::NotFound(_) => Self::unknown(),
            Fault::Deleted => Self::refused("The token is deactivated", "token_deactivated"),
            Fault::KeyReused => Self {
                field: Some(super::visit::KEY.to_owned()),
                ..Self::refused(
                    "Different request body sent for the same Idempotency Header",
                    "idempotency_key_reused",
                )
            },
            Fault::KeyMalformed => Self::field(super::visit::KEY, message),
            Fault::NotAuthenticated => Self::refused(message, "authentication_failed"),
            Fault::CardGone => Self::refused(message, "card_gone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(error: Error) -> Value {
        serde_json::from_str(&error.answer().body).unwrap()
    }

    /// The three rows of the API's own table, word for word.
    #[test]
    fn the_documents_errors_are_the_documents() {
        let missing = FieldFault { path: "card.number".to_owned(), why: Why::Empty };
        assert_eq!(
            told(Error::from(missing).at("token_initiation")),
            json!({ "error": {
                "code": "BAD_REQUEST_ERROR",
                "description": "The number is required",
                "source": "internal",
                "step": "token_initiation",
                "reason": "input_validation_failed",
                "field": "number",
                "metadata": {},
            }})
        );
        let cvv = json!({ "error": {
            "code": "BAD_REQUEST_ERROR",
            "description": "The cvv must be between 3 and 4 digits",
            "source": "business",
            "step": "payment_initiation",
            "reason": "input_validation_failed",
            "field": "cvv",
            "metadata": {},
        }});
        let long = FieldFault { path: "card.cvv".to_owned(), why: Why::TooLong };
        assert_eq!(told(Error::from(long).at("token_initiation")), cvv);
        assert_eq!(told(Fault::Cvv.into()), cvv);
        let timeout = json!({ "error": {
            "code": "TOKEN_SERVICE_PROVIDER_TIMEOUT",
            "description": "There is an issue in connecting with the token service provider",
            "source": "service_provider",
            "step": "token_creation",
            "reason": "token_service_provider_timed_out",
            "metadata": {},
        }});
        for (fault, status) in [(Fault::ProviderTimeout, 504), (Fault::Engine(EngineError::Away), 503)] {
            let error = Error::from(fault).at("payment_initiation");
            assert_eq!(error.status, status);
            assert_eq!(told(error), timeout);
        }
    }
}
