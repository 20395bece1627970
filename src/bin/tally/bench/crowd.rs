//! Several connections at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::measured::Measured;
use super::tokens::Tokens;
use super::worker::{Pace, Sliced, Worker};
use crate::arguments::bench::BenchOp;
use crate::output::Failure;

/// Cryptograms issued, unmeasured, on each connection before a stretch of
/// verifying: so many for each request in flight, within limits.
const STOCK_A_REQUEST: usize = 256;
const LEAST_STOCK: usize = 1024;
const MOST_STOCK: usize = 65_536;
/// Of these under way at a time, all connections together: a commit group holds
/// 65,536 moves.
const MOST_ISSUED: usize = 16_384;
/// Length of the slices of an open loop.
pub const SLICE: Duration = Duration::from_millis(100);

/// From when everything is ready to the first request of an open loop.
const LEAD: Duration = Duration::from_millis(5);

/// What is asked of a daemon at a time.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub op: BenchOp,
    pub connections: u32,
    pub depth: u32,
}

/// Connections that work together.
pub struct Crowd {
    load: Load,
    workers: Vec<Worker>,
    is_echo: bool,
}

impl Crowd {
    /// Opens the connections.
    pub fn connect(socket: &Path, load: Load, tokens: &Arc<Tokens>) -> Result<Self, Failure> {
        Self::connect_all(&[socket.to_owned()], load, tokens)
    }

    /// Opens the connections, to one socket after the other.
    pub fn connect_all(sockets: &[PathBuf], load: Load, tokens: &Arc<Tokens>) -> Result<Self, Failure> {
        let connections = usize::try_from(load.connections)?;
        if load.op == BenchOp::Verify && tokens.len() < connections {
            // Two connections would consume one token's cryptograms out of their order.
            return Err(Failure::new("verifying needs a token for each connection"));
        }
        let depth = usize::try_from(load.depth)?;
        let mut next = sockets.iter().cycle();
        let worker = |nth| {
            let socket = next.next().ok_or_else(|| Failure::new("there is no daemon to connect to"))?;
            Worker::connect(socket, load.op, depth, tokens.hand(nth, connections))
        };
        Ok(Self { load, workers: (0..connections).map(worker).collect::<Result<_, _>>()?, is_echo: false })
    }

    /// Opens connections to an echo, which issues nothing that could be verified.
    pub fn connect_echo(socket: &Path, load: Load, tokens: &Arc<Tokens>) -> Result<Self, Failure> {
        Ok(Self { is_echo: true, ..Self::connect(socket, load, tokens)? })
    }

    /// Closed loops for so long.
    pub fn closed(&mut self, limit: Duration) -> Result<Measured, Failure> {
        let mut measured = Measured::nothing()?;
        while measured.elapsed < limit {
            let rest = limit - measured.elapsed;
            // Every cryptogram is verified once, so they are issued first, unmeasured.
            if self.load.op == BenchOp::Verify {
                let stock = usize::try_from(self.load.depth)? * STOCK_A_REQUEST;
                self.stock_up(stock.clamp(LEAST_STOCK, MOST_STOCK))?;
            }
            let over = AtomicBool::new(false);
            measured.elapsed += together(&mut self.workers, |_, worker| worker.closed(rest, &over))?;
        }
        self.hand_to(&mut measured)?;
        Ok(measured)
    }

    /// Closed loops for so long, added to `sum`; their rate.
    pub fn add_to(&mut self, sum: &mut Measured, limit: Duration) -> Result<f64, Failure> {
        let measured = self.closed(limit)?;
        sum.then(&measured)?;
        Ok(measured.per_second())
    }

    /// Open loops for so long, at `rate` requests a second together. `meanwhile`
    /// is called once, when all is ready, with the time of the first request.
    pub fn open(
        &mut self,
        rate: u32,
        limit: Duration,
        meanwhile: impl FnOnce(Instant),
    ) -> Result<(Measured, Sliced), Failure> {
        let each = 1_000_000_000 / u64::from(rate.max(1));
        let interval = each.saturating_mul(self.load.connections.into());
        if self.load.op == BenchOp::Verify {
            let needed = u64::try_from(limit.as_nanos())? / interval.max(1) + 1;
            self.stock_up(usize::try_from(needed)?)?;
        }
        let start = Instant::now() + LEAD;
        meanwhile(start);
        let mut slices = Sliced::nothing(SLICE, limit)?;
        let kept = std::sync::Mutex::new(&mut slices);
        let mut measured = Measured::nothing()?;
        measured.elapsed = together(&mut self.workers, |nth, worker| {
            let offset = each.saturating_mul(u64::try_from(nth)?);
            let mut own = Sliced::nothing(SLICE, limit)?;
            let took = worker.open(Pace { start, offset, interval, limit }, &mut own)?;
            kept.lock().map_err(|_| panicked())?.add(&own)?;
            Ok(took)
        })?;
        self.hand_to(&mut measured)?;
        Ok((measured, slices))
    }

    fn stock_up(&mut self, count: usize) -> Result<(), Failure> {
        let (is_echo, window) = (self.is_echo, MOST_ISSUED / self.workers.len().max(1));
        let stock = |_, worker: &mut Worker| {
            let done = if is_echo { worker.stock_blanks(count) } else { worker.stock_up(count, window) };
            done.map(|()| Duration::ZERO)
        };
        together(&mut self.workers, stock).map(drop)
    }

    fn hand_to(&mut self, measured: &mut Measured) -> Result<(), Failure> {
        self.workers.iter_mut().try_for_each(|worker| worker.hand_to(measured))
    }
}

/// Runs a stretch on every connection at once; how long the longest took.
fn together(
    workers: &mut [Worker],
    stretch: impl Fn(usize, &mut Worker) -> Result<Duration, Failure> + Sync,
) -> Result<Duration, Failure> {
    let results = std::thread::scope(|scope| {
        let stretch = &stretch;
        let start = |(nth, worker)| scope.spawn(move || stretch(nth, worker));
        let threads: Vec<_> = workers.iter_mut().enumerate().map(start).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut longest = Duration::ZERO;
    for result in results {
        longest = longest.max(result.map_err(|_| panicked())??);
    }
    Ok(longest)
}

fn panicked() -> Failure {
    Failure::new("a connection's thread panicked")
}
