//! The contract of the trait, held against every store.

mod append;
mod epoch;
mod journal;
mod list;
mod page;
mod random;
mod records;
mod start;

/// Makes the tests of one fixture out of the properties named.
macro_rules! held_by_all {
    ($($property:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $property() { super::$property::<crate::fixture::Memory>(); })*
        }
        mod sqlite {
            $(#[test] fn $property() { super::$property::<crate::fixture::Sqlite>(); })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test] fn $property() { super::$property::<crate::fixture::Postgres>(); })*
        }
    };
}

pub use append::poisoned;
use held_by_all;
