//! Card networks, told apart by the leading digits of a PAN.

use std::fmt;

/// A card network. `Other` is a valid card of a network not listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Network {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express: four-digit verification values.
    Amex,
    /// RuPay: tokenisation demands an authentication reference.
    Rupay,
    /// Diners Club.
    Diners,
    /// Discover.
    Discover,
    /// JCB.
    Jcb,
    /// UnionPay.
    Unionpay,
    /// Maestro.
    Maestro,
    /// Any other issuer identification number.
    Other,
}

/// Inclusive ranges over the first six digits, most specific first: RuPay has
/// ranges inside those of Discover and Maestro, so it must be asked before them.
const RANGES: &[(u32, u32, Network)] = &[
    (508_227, 508_227, Network::Rupay),
    (508_500, 508_999, Network::Rupay),
    (606_985, 607_384, Network::Rupay),
    (607_385, 607_984, Network::Rupay),
    (608_001, 608_500, Network::Rupay),
    (652_150, 653_149, Network::Rupay),
    (817_200, 820_199, Network::Rupay),
    (353_800, 353_800, Network::Rupay),
    (356_000, 356_999, Network::Rupay),
    (340_000, 349_999, Network::Amex),
    (370_000, 379_999, Network::Amex),
    (300_000, 305_999, Network::Diners),
    (309_500, 309_599, Network::Diners),
    (360_000, 369_999, Network::Diners),
    (380_000, 399_999, Network::Diners),
    (352_800, 358_999, Network::Jcb),
    (400_000, 499_999, Network::Visa),
    (510_000, 559_999, Network::Mastercard),
    (222_100, 272_099, Network::Mastercard),
    (601_100, 601_199, Network::Discover),
    (644_000, 659_999, Network::Discover),
    (620_000, 629_999, Network::Unionpay),
    (810_000, 817_199, Network::Unionpay),
    (500_000, 509_999, Network::Maestro),
    (560_000, 589_999, Network::Maestro),
    (630_000, 639_999, Network::Maestro),
    (670_000, 679_999, Network::Maestro),
];

impl Network {
    /// Every network, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Visa,
        Self::Mastercard,
        Self::Amex,
        Self::Rupay,
        Self::Diners,
        Self::Discover,
        Self::Jcb,
        Self::Unionpay,
        Self::Maestro,
        Self::Other,
    ];

    /// The network of ASCII digits, by the first six of them.
    #[must_use]
    pub fn of_digits(ascii: &[u8]) -> Self {
        let iin =
            ascii.iter().take(6).fold(0u32, |n, digit| n * 10 + u32::from(digit.wrapping_sub(b'0') % 10));
        RANGES
            .iter()
            .find(|(low, high, _)| (*low..=*high).contains(&iin))
            .map_or(Self::Other, |(_, _, network)| *network)
    }

    /// The lower-case name used in configuration, on the wire and in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::Rupay => "rupay",
            Self::Diners => "diners",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
            Self::Unionpay => "unionpay",
            Self::Maestro => "maestro",
            Self::Other => "other",
        }
    }

    /// The network with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }

    /// Digits of a verification value on this network: 4 for American Express,
    /// else 3.
    #[must_use]
    pub fn verification_digits(self) -> usize {
        if self == Self::Amex { 4 } else { 3 }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_test_numbers_fall_into_their_networks() {
        for (pan, network) in [
            ("4111111111111111", Network::Visa),
            ("5555555555554444", Network::Mastercard),
            ("2223003122003222", Network::Mastercard),
            ("378282246310005", Network::Amex),
            ("6074820000000007", Network::Rupay),
            ("30569309025904", Network::Diners),
            ("6011111111111117", Network::Discover),
            ("3530111333300000", Network::Jcb),
            ("6240008631401148", Network::Unionpay),
            ("6759649826438453", Network::Maestro),
            ("9900000000000000", Network::Other),
        ] {
            assert_eq!(Network::of_digits(pan.as_bytes()), network, "{pan}");
        }
    }

    #[test]
    fn names_come_back() {
        for network in Network::ALL {
            assert_eq!(Network::from_name(network.name()), Some(network));
        }
    }
}
