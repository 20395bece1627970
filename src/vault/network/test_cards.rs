//! Cards of the sandbox that do something else than pay. Their numbers are made up or
//! published for testing; any other valid number is approved.

/// What happens with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The issuer approves, and its token becomes active.
    Approve,
    /// The issuer declines.
    Decline,
    /// The issuer does not answer in time.
    IssuerTimeout,
    /// The issuer approves; the token service provider does not answer in time.
    ProviderTimeout,
    /// The issuer approves; its token is then suspended by the network.
    Suspended,
    /// The issuer approves; its token is active at the network and suspended at the
    /// issuer.
    SuspendedAtIssuer,
    /// The issuer approves; its token ends at once, as expired.
    Expired,
    /// The issuer approves; no provider activates the token.
    NeverActive,
}

/// Number, what happens, and the words for it.
pub const TEST_CARDS: &[(&str, Scenario, &str)] = &[
    ("4111111111111111", Scenario::Approve, "Visa: approved"),
    ("5555555555554444", Scenario::Approve, "Mastercard: approved"),
    ("6074820000000009", Scenario::Approve, "RuPay: approved"),
    ("4000000000000002", Scenario::Decline, "declined by the issuer"),
    ("4000000000000119", Scenario::IssuerTimeout, "the issuer does not answer in time"),
    (
        "4000000000000259",
        Scenario::ProviderTimeout,
        "approved; the token service provider does not answer in time",
    ),
    ("4000000000000341", Scenario::Suspended, "approved; its token is suspended by the network"),
    (
        "4000000000000432",
        Scenario::SuspendedAtIssuer,
        "approved; its token is suspended at one of two providers",
    ),
    ("4000000000000523", Scenario::Expired, "approved; its token ends at once, as expired"),
    ("4000000000000614", Scenario::NeverActive, "approved; its token stays initiated"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::luhn_check_digit;

    #[test]
    fn every_number_is_valid_and_stands_once() {
        for (at, (digits, ..)) in TEST_CARDS.iter().enumerate() {
            let (front, last) = digits.as_bytes().split_at(digits.len() - 1);
            assert_eq!(luhn_check_digit(front), last[0], "{at}");
            assert!(TEST_CARDS.iter().skip(at + 1).all(|(other, ..)| other != digits), "{at}");
        }
    }
}
