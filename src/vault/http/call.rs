//! A request, read whole.

use axum::http::{HeaderMap, Method};
use data_encoding::{BASE64, BASE64_NOPAD};
use zeroize::Zeroizing;

use crate::vault::body::{BodyFault, Node, form, json, query};
use crate::vault::house::Fault;

/// A request. Its body is wiped on drop.
pub struct Call {
    /// The method.
    pub method: Method,
    /// The headers.
    pub headers: HeaderMap,
    /// What stands in the path in place of names, in order.
    pub path: Vec<(String, String)>,
    /// The query, undecoded.
    pub query: String,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// Credentials as the Basic scheme has them (RFC 7617).
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password. Empty where there is no colon at all: a public client library
    /// sends its key so.
    pub password: Zeroizing<String>,
}

impl Call {
    /// A header, if it is there once and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }

    /// The idempotency key in a header, if there is one.
    ///
    /// # Errors
    /// [`Fault::KeyMalformed`] for one that is empty, too long, not printable, or there
    /// twice.
    pub fn key(&self, name: &str) -> Result<Option<&str>, Fault> {
        if !self.headers.contains_key(name) {
            return Ok(None);
        }
        let fits = |key: &&str| (1..=64).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_graphic());
        self.header(name).filter(fits).map(Some).ok_or(Fault::KeyMalformed)
    }

    /// What stands in the path in this place; nothing where there is no such place.
    #[must_use]
    pub fn at(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`BodyFault`].
    pub fn json(&self) -> Result<Node, BodyFault> {
        json(&self.body)
    }

    /// The body as a form.
    ///
    /// # Errors
    /// [`BodyFault`].
    pub fn form(&self) -> Result<Node, BodyFault> {
        form(&self.body)
    }

    /// The query.
    ///
    /// # Errors
    /// [`BodyFault`].
    pub fn query(&self) -> Result<Node, BodyFault> {
        query(self.query.as_bytes())
    }

    /// Credentials.
    #[must_use]
    pub fn basic(&self) -> Option<Basic> {
        let (scheme, rest) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let rest = rest.trim();
        let decoded =
            BASE64.decode(rest.as_bytes()).or_else(|_| BASE64_NOPAD.decode(rest.as_bytes())).ok()?;
        let decoded = Zeroizing::new(decoded);
        let text = std::str::from_utf8(&decoded).ok()?;
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Some(Basic { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) })
    }
}

impl std::fmt::Debug for Call {
    /// Without headers and body: credentials and cards are there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({}, {} bytes)", self.method, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(authorization: &str) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(authorization).unwrap());
        let body = Zeroizing::new(Vec::new());
        Call { method: Method::GET, headers, path: Vec::new(), query: String::new(), body }
    }

    #[test]
    fn credentials_are_read_as_libraries_send_them() {
        for (header, user, password) in [
            ("Basic anBfdGVzdF9rZXk6", "jp_test_key", ""),
            ("Basic anBfdGVzdF9rZXk=", "jp_test_key", ""),
            ("basic cnpwX3Rlc3Rfa2V5OnJ6cF90ZXN0X3NlY3JldA==", "rzp_test_key", "rzp_test_secret"),
        ] {
            let basic = with(header).basic().unwrap();
            assert_eq!((basic.user.as_str(), basic.password.as_str()), (user, password));
        }
        for header in ["Basic", "Basic !", "Bearer abc", "Basic /w=="] {
            assert!(with(header).basic().is_none(), "{header}");
        }
        let mut twice = with("Basic anBfdGVzdF9rZXk6");
        twice.headers.append("authorization", HeaderValue::from_static("Basic anBfdGVzdF9rZXk6"));
        assert!(twice.basic().is_none());
    }
}
