//! The vault runs: its listener, and what is done when nobody asks.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use opentelemetry_otlp::ExporterBuildError;
use thiserror::Error;
use tokio::net::TcpListener;

use super::config::Config;
use super::db::{Api, Db, DbError};
use super::engine::Engine;
use super::house::{House, Teller};
use super::http::{Answer, Desk, Fail, Shape, serve};
use super::trace::Traces;
use super::watch::Watch;
use super::{cashfree, juspay, pages, razorpay, sessions, webhook};

/// After how many rounds of that the database's log is emptied.
const TIDY: u64 = 60;
/// How often what is unfinished is gone on with.
const SWEEP: Duration = Duration::from_secs(1);

/// Why the vault does not start, or ends.
#[derive(Debug, Error)]
pub enum VaultError {
    /// Its database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Where traces are sent to.
    #[error("traces: {0}")]
    Traces(#[from] ExporterBuildError),
    /// Its listener or its threads.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Runs the vault until `stop` is done. `ready` is told the address that it serves at.
///
/// # Errors
/// [`VaultError`].
pub fn run(
    config: &Config,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(&str),
) -> Result<(), VaultError> {
    let io = |what| move |source| VaultError::Io { what, source };
    let db = Db::open(&config.database())?;
    // Ended last, when all that it tells of is done.
    let _traces = Traces::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_keep_alive(Duration::from_secs(60))
        .build()
        .map_err(io("threads"))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen).await.map_err(io("listener"))?;
        let address = listener.local_addr().map_err(io("listener"))?;
        let public = config.public.clone().unwrap_or_else(|| format!("http://{address}"));
        let tellers: Vec<(Api, Teller)> =
            vec![(Api::Juspay, juspay::tell), (Api::Sessions, sessions::save_wallet)];
        let watch = config.operator.clone().map(Watch::of);
        let house = House::new(db, Engine::at(config.engine.clone()), public, watch, tellers);
        let sweeper = tokio::spawn(sweep(Arc::clone(&house)));
        let courier = tokio::spawn(webhook::run(Arc::clone(&house)));
        ready(&house.public);
        serve(listener, router(Arc::clone(&house), config), stop).await;
        sweeper.abort();
        courier.abort();
        Ok(())
    })
}

/// Done when the process is asked to end (SIGINT, SIGTERM).
pub async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn router(house: Arc<House>, config: &Config) -> Router {
    let desk = Desk::before(house);
    let shop = if config.shop { pages::shop() } else { Router::new() };
    Router::new()
        .merge(shop)
        .merge(pages::router())
        .merge(cashfree::router())
        .merge(razorpay::router())
        .merge(juspay::router())
        .merge(sessions::router())
        .route("/openapi.yaml", get(openapi))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(desk)
}

/// Goes on with what is unfinished, from the start on.
async fn sweep(house: Arc<House>) {
    for round in 0_u64.. {
        let swept = Arc::clone(&house);
        // An error here is the database's, which the next request tells of.
        let _ = tokio::task::spawn_blocking(move || {
            let swept_all = swept.sweep(swept.now()).map(drop);
            let tidied = if round.is_multiple_of(TIDY) { swept.db.tidy() } else { Ok(()) };
            swept_all.and(tidied.map_err(Into::into))
        })
        .await;
        tokio::time::sleep(SWEEP).await;
    }
}

/// What is served, for programs: one document of the parts of all APIs.
const OPENAPI: &str = concat!(
    include_str!("../../docs/openapi/head.yaml"),
    include_str!("../../docs/openapi/cashfree.yaml"),
    include_str!("../../docs/openapi/razorpay.yaml"),
    include_str!("../../docs/openapi/juspay.yaml"),
    include_str!("../../docs/openapi/sessions.yaml"),
    include_str!("../../docs/openapi/components.yaml"),
);

async fn openapi() -> Response {
    let body = OPENAPI.to_owned();
    Answer { status: 200, kind: "application/yaml", body, headers: Vec::new() }.response()
}

async fn nowhere(_: State<Desk>, uri: Uri) -> Response {
    shaped(uri.path(), Fail::NoSuchPath).response()
}

async fn wrong_method(_: State<Desk>, uri: Uri) -> Response {
    shaped(uri.path(), Fail::WrongMethod).response()
}

/// In the shape of the API that the path belongs to.
fn shaped(path: &str, fail: Fail) -> Answer {
    match path.split('/').nth(1).unwrap_or_default() {
        "pg" => cashfree::Error::fail(fail).answer(),
        "v1" => razorpay::Error::fail(fail).answer(),
        "sessions" => sessions::Error::fail(fail).answer(),
        "pay" if path.starts_with("/pay/start/") => juspay::Error::fail(fail).answer(),
        "pay" | "acs" | "assets" | "shop" | "operator" => pages::Error::fail(fail).answer(),
        _ => juspay::Error::fail(fail).answer(),
    }
}
