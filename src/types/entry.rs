//! Names of what the daemon keeps for a while: a held card, and a payment session's key.

use std::fmt;

use data_encoding::HEXLOWER;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; Self::LEN]);

        impl $name {
            /// Its size in bytes.
            pub const LEN: usize = 16;

            /// The name with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), HEXLOWER.encode(&self.0))
            }
        }
    )+};
}

names! {
    /// A held card: 16 random bytes, good for the peer that they were given to. They say
    /// nothing of the card.
    CardHandle,
    /// A payment session's key: 16 random bytes, good for the peer that they were given to.
    EntrySession,
}

/// For how long something is kept: 1 to `MOST` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds<const MOST: u32>(u32);

/// For how long a card is held: 1 to 3,600 seconds.
pub type HoldSeconds = Seconds<3_600>;
/// For how long a payment session's key lives: 1 to 86,400 seconds.
pub type EntrySeconds = Seconds<86_400>;

impl<const MOST: u32> Seconds<MOST> {
    /// So many seconds; none for 0 and for more than `MOST`.
    #[must_use]
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds >= 1 && seconds <= MOST { Some(Self(seconds)) } else { None }
    }

    /// How many they are.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_bounds() {
        for (seconds, hold, entry) in
            [(0, false, false), (1, true, true), (3_600, true, true), (3_601, false, true)]
        {
            assert_eq!(HoldSeconds::new(seconds).map(Seconds::get), hold.then_some(seconds));
            assert_eq!(EntrySeconds::new(seconds).map(Seconds::get), entry.then_some(seconds));
        }
        assert!(EntrySeconds::new(86_400).is_some() && EntrySeconds::new(86_401).is_none());
    }
}
