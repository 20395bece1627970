//! Answers, and the shapes that each API gives to what goes wrong.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::vault::db::Stored;

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub kind: &'static str,
    /// The body.
    pub body: String,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
}

/// What is wrong with a request before anybody has looked at what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path is served for another method.
    WrongMethod,
    /// The body is too large.
    TooLarge,
    /// The body came too slowly.
    TooSlow,
    /// The request is not one: its framing is ambiguous, or its body ended early.
    Malformed,
    /// As much is under way as may be.
    Busy,
    /// Something failed here.
    Internal,
}

/// The errors of an API.
pub trait Shape {
    /// The API's words for a fault of the request as such.
    fn fail(fail: Fail) -> Self;
    /// What is answered.
    fn answer(self) -> Answer;
}

impl Answer {
    /// A body of JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", body: body.to_string(), headers: Vec::new() }
    }

    /// A page. It must not be kept or framed, and loads nothing from elsewhere.
    #[must_use]
    pub fn page(status: u16, body: String) -> Self {
        let headers = vec![
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                 form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
                    .to_owned(),
            ),
            ("referrer-policy", "no-referrer".to_owned()),
        ];
        Self { status, kind: "text/html; charset=utf-8", body, headers }
    }

    /// To another place, by a GET.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self {
            status: 303,
            kind: "text/plain",
            body: String::new(),
            headers: vec![("location", to.to_owned())],
        }
    }

    /// As the listener sends it.
    #[must_use]
    pub fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in self.headers {
            // A value with a line break or the like is left out rather than sent.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl From<Stored> for Answer {
    fn from(stored: Stored) -> Self {
        Self { status: stored.status, kind: "application/json", body: stored.body, headers: Vec::new() }
    }
}

impl Fail {
    /// The HTTP status for it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoSuchPath => 404,
            Self::WrongMethod => 405,
            Self::TooLarge => 413,
            Self::TooSlow => 408,
            Self::Malformed => 400,
            Self::Busy => 503,
            Self::Internal => 500,
        }
    }

    /// The words for it.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::NoSuchPath => "The requested URL was not found on the server",
            Self::WrongMethod => "The method is not allowed for this URL",
            Self::TooLarge => "The request body is too large",
            Self::TooSlow => "The request body did not come in time",
            Self::Malformed => "The request is malformed",
            Self::Busy => "The service is busy, try again",
            Self::Internal => "Something failed here, try again",
        }
    }
}
