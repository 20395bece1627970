//! What the store on the PostgreSQL wire promises beside the contract.

mod crowd;
mod cuts;
mod fake;
mod login;
mod migrate;
mod node;
mod proxy;
mod role;
mod stall;
mod trouble;
mod turns;
