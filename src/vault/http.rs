//! HTTP: a listener that has a limit for everything, and the way from a request to a
//! function that may wait.

mod answer;
mod call;
mod listener;
mod prompt;
mod route;

pub use answer::{Answer, Fail, Shape};
pub use call::{Basic, Call};
pub use listener::serve;
pub use route::{Desk, on};
