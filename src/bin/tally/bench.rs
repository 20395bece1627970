//! `tally bench`: drives a daemon and measures it.

mod crowd;
mod echo;
mod floor;
mod home;
mod mac;
mod measured;
mod number;
mod stream;
mod sweep;
mod tokens;
mod turns;
mod worker;

use std::time::Duration;

use serde_json::{Value, json};
use tallystick::daemon::paths;

use crate::arguments::bench::{Bench, BenchOp};
use crate::output::{Failure, Output};
use crowd::{Crowd, Load};
use home::Home;
use measured::Measured;
use number::{grouped, nanoseconds};

pub use echo::{ECHO, main as echo};

/// Tokens if nothing else is said.
const TOKENS: u32 = 1000;

/// Measures a running daemon, or one of its own.
pub fn run(arguments: &Bench, output: &Output) -> Result<(), Failure> {
    if arguments.floor {
        return floor::run(arguments, output);
    }
    if arguments.sweep {
        return sweep::run(arguments, output);
    }
    let measured = measure(arguments)?;
    output.item(|| json_of(arguments, &measured), || Some(text_of(arguments, &measured)));
    Ok(())
}

fn measure(arguments: &Bench) -> Result<Measured, Failure> {
    let Bench { op, connections, depth, .. } = *arguments;
    let mut home = Home::open(arguments.dir.as_deref())?;
    let tokens = if op == BenchOp::Ping { 0 } else { arguments.tokens.unwrap_or(TOKENS) };
    let tokens = home.tokens(tokens)?;
    let idle: Vec<_> = (0..arguments.idle).map(|_| stream::connect(&home.socket())).collect();
    let idle: Vec<_> = idle.into_iter().collect::<Result<_, _>>()?;
    let others = arguments.also.iter().map(|dir| paths::data_socket(dir));
    let sockets: Vec<_> = std::iter::once(home.socket()).chain(others).collect();
    let mut crowd = Crowd::connect_all(&sockets, Load { op, connections, depth }, &tokens)?;
    let limit = Duration::from_secs(arguments.seconds.into());
    let measured = match arguments.rate {
        Some(rate) => crowd.open(rate, limit, |_| {})?.0,
        None => crowd.closed(limit)?,
    };
    drop(idle);
    Ok(measured)
}

fn json_of(arguments: &Bench, measured: &Measured) -> Value {
    let mut told = json!({
        "op": arguments.op.name(), "connections": arguments.connections, "depth": arguments.depth,
        "tokens": arguments.tokens.unwrap_or(TOKENS), "idle": arguments.idle, "rate": arguments.rate,
    });
    if let (Value::Object(told), Value::Object(figures)) = (&mut told, measured.json()) {
        told.extend(figures);
    }
    told
}

fn text_of(arguments: &Bench, measured: &Measured) -> String {
    let at = |quantile| nanoseconds(measured.at(quantile));
    let loops = match arguments.rate {
        Some(rate) => format!("at {} /s", grouped(rate.into())),
        None => format!("x {} in flight", arguments.depth),
    };
    format!(
        "{}: {} operations in {:.2} s on {} connections {loops}\n\
         rate         {} /s\n\
         latency      p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
        arguments.op.name(),
        grouped(number::float(measured.operations)),
        measured.elapsed.as_secs_f64(),
        arguments.connections,
        grouped(measured.per_second()),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
    )
}
