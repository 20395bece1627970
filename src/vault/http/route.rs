//! From a request to the function that serves it, on a thread that may wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::http::{Request, Response, header};
use http_body_util::BodyExt;
use opentelemetry::Context;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Answer, Call, Fail, Shape};
use crate::vault::house::House;
use crate::vault::trace;

/// Largest body, in bytes: a card, a cryptogram and fifteen notes have room in it.
const BODY: usize = 64 * 1024;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(2);
/// Requests that are served at a time.
const AT_A_TIME: usize = 64;

/// The house, and how many may be in it at a time.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The house.
    pub house: Arc<House>,
    turns: Arc<Semaphore>,
}

impl Desk {
    /// A desk before a house.
    #[must_use]
    pub fn before(house: Arc<House>) -> Self {
        Self { house, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

/// What stands in the path in place of names, unless it is not UTF-8.
type Named = Result<RawPathParams, RawPathParamsRejection>;
type Served = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Serves requests by a function, in the shape of its API.
pub fn on<F>(
    serve: fn(&House, &Call) -> Result<Answer, F>,
) -> impl Fn(State<Desk>, Named, Request<Body>) -> Served + Clone + Send + 'static
where
    F: Shape + Send + 'static,
{
    move |State(desk), path, request| {
        Box::pin(async move {
            let span = trace::begin(&request);
            let served = match path {
                Ok(path) => answered(desk, path, request, serve, span.clone()).await,
                Err(_) => Err(Fail::Malformed),
            };
            let answer = served.unwrap_or_else(|fail| F::fail(fail).answer());
            trace::end(span, answer.status);
            answer.response()
        })
    }
}

async fn answered<F: Shape + Send + 'static>(
    desk: Desk,
    path: RawPathParams,
    request: Request<Body>,
    serve: fn(&House, &Call) -> Result<Answer, F>,
    span: Option<Context>,
) -> Result<Answer, Fail> {
    let (parts, body) = request.into_parts();
    // Who sends both may be read by a proxy in another way than here (RFC 9112, 6.3).
    if parts.headers.contains_key(header::CONTENT_LENGTH)
        && parts.headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Fail::Malformed);
    }
    let body = timeout(BODY_TIME, whole(body)).await.map_err(|_| Fail::TooSlow)??;
    let call = Call {
        method: parts.method,
        headers: parts.headers,
        path: path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
    };
    let turn = timeout(TURN, desk.turns.acquire_owned()).await;
    let turn = turn.ok().and_then(Result::ok).ok_or(Fail::Busy)?;
    let house = desk.house;
    let served = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let _within = span.map(Context::attach);
        serve(&house, &call).unwrap_or_else(Shape::answer)
    });
    served.await.map_err(|_| Fail::Internal)
}

/// The whole body, in one piece of memory that never grows and is wiped.
async fn whole(mut body: Body) -> Result<Zeroizing<Vec<u8>>, Fail> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BODY));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fail::Malformed)?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len().saturating_add(data.len()) > BODY {
            return Err(Fail::TooLarge);
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}
