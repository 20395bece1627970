//! Connections: so many at a time, each with so long to say what it wants.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::prompt::Prompt;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How long a connection may take for a request's head, also when it is idle.
const HEAD: Duration = Duration::from_secs(15);
/// How much of a request's head is read.
const HEAD_BYTES: usize = 32 * 1024;
/// How long what is under way may take when the listener stops.
const STOPPING: Duration = Duration::from_secs(10);

/// Serves connections until `stop` is done, and then what is under way.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of files, or the peer was gone at once: others are served meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(Prompt::of(stream)), TowerToHyperService::new(router.clone()));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // How a connection ends is its peer's affair.
            let _ = watched.await;
            drop(permit);
        });
    }
    let _ = timeout(STOPPING, graceful.shutdown()).await;
}
