//! Every command and reply there is, at random.

use crate::{cards, entry};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use tallystick::command::{
    CardSource, ChangeStatus, Command, Detokenized, Issue, IssueShort, Issued, IssuedShort, LinkPar, List,
    Page, Provision, Renew, Reply, Reseal, Resealed, TokenView, Verified, Verify, VerifyShort,
};
use tallystick::types::{
    Amount, Atc, AuthReference, Binding, Channel, Channels, Cryptogram, Currency, DeactivationReason, Domain,
    Evidence, Expiry, Fingerprint, IdempotencyKey, KeyVersion, Merchant, Network, Pan, Par, ProviderName,
    ProviderStates, ProviderStatus, Reference, ShortValue, StatusEvent, TokenNumber, Transaction, Trid,
    UnixTime, UnpredictableNumber, luhn_check_digit,
};

pub fn pan() -> impl Strategy<Value = Pan> {
    "[0-9]{11,18}".prop_map(|body| {
        let mut digits = body.into_bytes();
        digits.push(luhn_check_digit(&digits));
        Pan::parse(&digits).unwrap()
    })
}

pub fn key() -> impl Strategy<Value = Option<IdempotencyKey<'static>>> {
    of(vec(any::<u8>(), 1..=64)).prop_map(|key| key.map(|key| IdempotencyKey::parse(key.leak()).unwrap()))
}

fn token() -> impl Strategy<Value = TokenNumber> {
    "[0-9]{12,19}".prop_map(|digits| TokenNumber::parse(digits.as_bytes()).unwrap())
}

fn trid() -> impl Strategy<Value = Trid> {
    (0..100_000_000_000u64).prop_map(|value| Trid::from_value(value).unwrap())
}

pub fn expiry() -> impl Strategy<Value = Expiry> {
    (0..100u16, 1..=12u16).prop_map(|(year, month)| Expiry::from_value(year * 100 + month).unwrap())
}

fn merchant() -> impl Strategy<Value = Merchant<'static>> {
    vec(b' '..=b'~', 1..=255).prop_map(|name| Merchant::parse(name.leak()).unwrap())
}

fn transaction() -> impl Strategy<Value = Transaction<'static>> {
    let amount = (any::<u64>(), 1..=999u16)
        .prop_map(|(units, code)| (Amount::from_minor_units(units), Currency::from_code(code).unwrap()));
    let unpredictable = of(any::<[u8; 4]>().prop_map(UnpredictableNumber));
    (of(amount), of(merchant()), unpredictable, any::<bool>(), select(Channel::ALL.to_vec())).prop_map(
        |(amount, merchant, unpredictable, merchant_initiated, channel)| Transaction {
            amount,
            merchant,
            unpredictable,
            merchant_initiated,
            channel,
        },
    )
}

pub fn issue() -> impl Strategy<Value = Issue<'static>> {
    (token(), trid(), transaction()).prop_map(|(token, trid, transaction)| Issue { token, trid, transaction })
}

fn cryptogram() -> impl Strategy<Value = Cryptogram> {
    any::<[u8; 20]>().prop_map(|bytes| Cryptogram::from_slice(&bytes).unwrap())
}

fn short_value() -> impl Strategy<Value = ShortValue> {
    "[0-9]{3,4}".prop_map(|digits| ShortValue::parse(digits.as_bytes()).unwrap())
}

pub fn verify() -> impl Strategy<Value = Verify<'static>> {
    (issue(), expiry(), cryptogram()).prop_map(|(issue, expiry, cryptogram)| {
        let Issue { token, trid, transaction } = issue;
        Verify { token, expiry, trid, transaction, cryptogram }
    })
}

fn verify_short() -> impl Strategy<Value = VerifyShort<'static>> {
    (issue(), expiry(), short_value()).prop_map(|(issue, expiry, value)| {
        let Issue { token, trid, transaction } = issue;
        VerifyShort { token, expiry, trid, transaction, value }
    })
}

fn reference() -> impl Strategy<Value = Reference> {
    "[ -~]{1,64}".prop_map(|text| Reference::parse(&text).unwrap())
}

fn auth_reference() -> impl Strategy<Value = AuthReference> {
    "[ -~]{1,26}".prop_map(|text| AuthReference::parse(&text).unwrap())
}

pub fn par() -> impl Strategy<Value = Par> {
    "[!-~]{1,64}".prop_map(|text| Par::parse(&text).unwrap())
}

fn domain() -> impl Strategy<Value = Domain> {
    (of(merchant()), 1..=15u8, 0..=15u8).prop_map(|(merchant, channels, demands)| Domain {
        merchant: merchant.map(|merchant| merchant.as_bytes().into()),
        channels: Channels::from_bits(channels).unwrap(),
        demands: Binding::from_bits(demands).unwrap(),
    })
}

/// Names that are all different.
fn providers() -> impl Strategy<Value = Vec<ProviderName>> {
    proptest::collection::btree_set("[a-z0-9_-]{1,32}", 0..=8)
        .prop_map(|names| names.iter().map(|name| ProviderName::parse(name).unwrap()).collect())
}

fn provision() -> impl Strategy<Value = Provision> {
    let evidence = (reference(), reference(), auth_reference(), any::<bool>());
    let held = of(entry::handle());
    (pan(), expiry(), held, trid(), evidence, of(par()), domain(), of(providers())).prop_map(
        |(pan, expiry, held, trid, evidence, par, domain, providers)| {
            let (provider, reference, number, given) = evidence;
            let auth_reference = (given || pan.network() == Network::Rupay).then_some(number);
            let evidence = Evidence { provider, reference, auth_reference };
            let card = held.map_or(CardSource::Clear { pan, expiry }, CardSource::Held);
            Provision { card, trid, evidence, par, domain, providers }
        },
    )
}

fn reason() -> impl Strategy<Value = DeactivationReason> {
    select(DeactivationReason::ALL.to_vec())
}

fn change_status() -> impl Strategy<Value = ChangeStatus> {
    let event = prop_oneof![
        Just(StatusEvent::Suspend),
        Just(StatusEvent::Resume),
        reason().prop_map(StatusEvent::Deactivate),
    ];
    (token(), providers(), event).prop_map(|(token, providers, event)| ChangeStatus {
        token,
        provider: providers.into_iter().next(),
        event,
    })
}

pub fn command() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        5 => cards::command(),
        5 => entry::command(),
        15 => of_tokens(),
    ]
}

fn of_tokens() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        provision().prop_map(|provision| Command::Provision(Box::new(provision))),
        token().prop_map(Command::Show),
        (trid(), of(any::<u32>()), 1..=100u8).prop_map(|(trid, after, limit)| Command::List(List {
            trid,
            after,
            limit
        })),
        change_status().prop_map(Command::ChangeStatus),
        (token(), expiry()).prop_map(|(token, expiry)| Command::Renew(Renew { token, expiry })),
        (pan(), token()).prop_map(|(pan, predecessor)| Command::LinkPar(LinkPar { pan, predecessor })),
        token().prop_map(Command::Detokenize),
        pan().prop_map(Command::Par),
        pan().prop_map(Command::Fingerprint),
        issue().prop_map(Command::Issue),
        verify().prop_map(Command::Verify),
        issue().prop_map(|issue| Command::IssueShort(IssueShort(issue))),
        verify_short().prop_map(Command::VerifyShort),
        token().prop_map(Command::ClearShortLock),
        (of(any::<u32>()), 1..=100u8).prop_map(|(after, limit)| Command::Reseal(Reseal { after, limit })),
    ]
}

fn atc() -> impl Strategy<Value = Atc> {
    (1..=u32::MAX).prop_map(|value| Atc::new(value).unwrap())
}

fn provider_states() -> impl Strategy<Value = ProviderStates> {
    let status = prop_oneof![
        Just(ProviderStatus::Active),
        Just(ProviderStatus::Suspended),
        reason().prop_map(ProviderStatus::Deactivated),
    ];
    (providers(), vec(status, 8)).prop_map(|(names, statuses)| {
        ProviderStates::from_list(names.into_iter().zip(statuses).collect()).unwrap()
    })
}

fn view() -> impl Strategy<Value = TokenView> {
    let card = (expiry(), "[0-9]{4}", 12..=19u8, select(Network::ALL.to_vec()), par(), any::<[u8; 32]>());
    (token(), expiry(), card, trid(), provider_states(), domain(), any::<u64>()).prop_map(
        |(token, expiry, card, trid, providers, domain, created)| {
            let (card_expiry, last_four, pan_length, network, par, fingerprint) = card;
            TokenView {
                token,
                expiry,
                card_expiry,
                card_last_four: last_four.as_bytes().try_into().unwrap(),
                pan_length,
                network,
                trid,
                par,
                fingerprint: Fingerprint::from_bytes(fingerprint),
                providers,
                domain,
                created: UnixTime::from_seconds(created),
            }
        },
    )
}

fn resealed() -> impl Strategy<Value = Resealed> {
    (1..=255u8, any::<[u32; 4]>(), of(any::<u32>())).prop_map(|(version, counts, next)| {
        let version = KeyVersion::new(version).unwrap();
        let [looked_at, resealed, unopened, tokens] = counts;
        Resealed { version, looked_at, resealed, unopened, tokens, next }
    })
}

pub fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        view().prop_map(|view| Reply::Token(Box::new(view))),
        (vec(view(), 0..4), of(any::<u32>())).prop_map(|(tokens, next)| Reply::Page(Page { tokens, next })),
        (pan(), expiry()).prop_map(|(pan, expiry)| Reply::Detokenized(Detokenized { pan, expiry })),
        par().prop_map(Reply::Par),
        any::<[u8; 32]>().prop_map(|bytes| Reply::Fingerprint(Fingerprint::from_bytes(bytes))),
        (cryptogram(), expiry())
            .prop_map(|(cryptogram, expiry)| Reply::Issued(Issued { cryptogram, expiry })),
        atc().prop_map(|atc| Reply::Verified(Verified { atc })),
        (short_value(), expiry(), atc()).prop_map(|(value, expiry, atc)| Reply::IssuedShort(IssuedShort {
            value,
            expiry,
            atc
        })),
        resealed().prop_map(Reply::Resealed),
        cards::reply(),
        entry::reply(),
    ]
}

/// What a command's `Debug` does not show.
pub fn secrets_of(command: &Command<'_>) -> Vec<u8> {
    match command {
        Command::Provision(provision) => match &provision.card {
            CardSource::Clear { pan, .. } => pan.expose_digits().to_vec(),
            CardSource::Held(_) => Vec::new(),
        },
        Command::HoldCard(hold) => hold.pan.expose_digits().to_vec(),
        Command::LinkPar(link) => link.pan.expose_digits().to_vec(),
        Command::Par(pan) | Command::Fingerprint(pan) => pan.expose_digits().to_vec(),
        Command::Verify(verify) => verify.cryptogram.as_bytes().to_vec(),
        Command::VerifyShort(verify) => verify.value.as_bytes().to_vec(),
        _ => cards::secrets_of(command),
    }
}

/// What a reply's `Debug` does not show.
pub fn secrets_in(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Detokenized(card) => card.pan.expose_digits().to_vec(),
        Reply::Issued(issued) => issued.cryptogram.as_bytes().to_vec(),
        Reply::IssuedShort(issued) => issued.value.as_bytes().to_vec(),
        _ => cards::secrets_in(reply),
    }
}
