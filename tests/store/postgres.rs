//! What the store on the PostgreSQL wire promises beside the contract.
