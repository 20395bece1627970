use tallystick::command::{Refusal, Reply};
use tallystick::engine::Pending;

fn take(pending: Pending<Result<Reply, Refusal>>) -> Result<Reply, Refusal> {
    pending.value
}

fn main() {
    let _ = take;
}
