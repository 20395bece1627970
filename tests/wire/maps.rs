//! What is wrong with a map, and that nothing of it is ever shown.

use minicbor::Encoder;
use tallystick::wire::{Arrival, FrameWriter, Hello, Intake, Message, Opcode, Status, decode_message};

const PAN: &str = "4111111111111111";

#[derive(Clone, Copy)]
enum Value {
    Int(u64),
    Text(&'static str),
    Bytes(&'static [u8]),
    True,
    False,
    Null,
    Texts(&'static [&'static str]),
}
use Value::{Bytes, False, Int, Null, Text, Texts, True};

type Map = Vec<(u64, Value)>;

fn body(map: &[(u64, Value)]) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    out.map(map.len().try_into().unwrap()).unwrap();
    for (key, value) in map {
        out.u64(*key).unwrap();
        match value {
            Int(number) => out.u64(*number).unwrap().ok().unwrap(),
            Text(text) => out.str(text).unwrap().ok().unwrap(),
            Bytes(bytes) => out.bytes(bytes).unwrap().ok().unwrap(),
            True => out.bool(true).unwrap().ok().unwrap(),
            False => out.bool(false).unwrap().ok().unwrap(),
            Null => out.null().unwrap().ok().unwrap(),
            Texts(texts) => {
                out.array(texts.len().try_into().unwrap()).unwrap();
                texts.iter().for_each(|text| out.str(text).unwrap().ok().unwrap());
            }
        }
    }
    out.into_writer()
}

/// The map with one field replaced, added or, by `None`, left out.
fn with(map: &[(u64, Value)], key: u64, value: Option<Value>) -> Map {
    let mut changed: Map = map.iter().copied().filter(|(known, _)| *known != key).collect();
    changed.extend(value.map(|value| (key, value)));
    changed
}

fn provision() -> Map {
    vec![
        (0, Bytes(b"key")),
        (1, Text(PAN)),
        (2, Text("2912")),
        (3, Text("40010030273")),
        (4, True),
        (5, Text("acquirer")),
        (6, Text("pay_1")),
        (7, Text("100222")),
        (8, Text("500199")),
        (9, Text("shop")),
        (10, Int(3)),
        (11, Int(1)),
        (12, Texts(&["visa"])),
    ]
}

/// Checks that a body is refused so, and that what is said of it says nothing of it.
fn check(opcode: Opcode, map: &[(u64, Value)], status: Status, field: Option<&str>) {
    let fault = decode_message(opcode, &body(map)).unwrap_err();
    assert_eq!((fault.status, fault.field), (status, field), "{opcode:?}");
    shows_no_pan(&format!("{fault} {fault:?}"));
    let mut told = Vec::new();
    fault.encode(&mut told);
    shows_no_pan(&String::from_utf8_lossy(&told));
}

/// No five digits of the PAN in a row, neither as text nor as a list of bytes.
fn shows_no_pan(text: &str) {
    assert!(!text.contains(&PAN[1..6]) && !text.contains("49, 49, 49"), "{text}");
}

#[test]
fn each_field_of_provision_has_its_own_status() {
    use Status as S;
    let good = provision();
    assert!(decode_message(Opcode::Provision, &body(&good)).is_ok());
    let long = "x".repeat(65).leak();
    let cases = [
        (0, Some(Bytes(b"")), S::IdempotencyKeyMalformed, "idempotency key"),
        (0, Some(Bytes(&[7; 65])), S::IdempotencyKeyMalformed, "idempotency key"),
        (0, Some(Text("key")), S::BodyMalformed, "idempotency key"),
        (1, None, S::FieldMissing, "pan"),
        (1, Some(Int(4_111_111_111_111_111)), S::BodyMalformed, "pan"),
        (1, Some(Text("41111111111")), S::PanLength, "pan"),
        (1, Some(Text("41111111111111111111")), S::PanLength, "pan"),
        (1, Some(Text("4111-1111-1111-1111")), S::PanNotDigits, "pan"),
        (1, Some(Text("4111111111111112")), S::PanLuhn, "pan"),
        (2, None, S::FieldMissing, "expiry"),
        (2, Some(Text("2913")), S::ExpiryMalformed, "expiry"),
        (3, None, S::FieldMissing, "trid"),
        (3, Some(Text("4001003027")), S::TridMalformed, "trid"),
        (4, None, S::ConsentMissing, "consent"),
        (4, Some(False), S::ConsentMissing, "consent"),
        (4, Some(Int(1)), S::BodyMalformed, "consent"),
        (5, None, S::EvidenceMissing, "authentication provider"),
        (5, Some(Text("")), S::EvidenceMalformed, "authentication provider"),
        (6, None, S::EvidenceMissing, "authentication reference"),
        (6, Some(Text(long)), S::EvidenceMalformed, "authentication reference"),
        (7, Some(Text("")), S::AuthReferenceMalformed, "authentication reference number"),
        (8, Some(Text(long)), S::ParMalformed, "par"),
        (9, Some(Text("")), S::MerchantMalformed, "merchant"),
        (10, Some(Int(0)), S::ChannelMalformed, "channels"),
        (10, Some(Int(16)), S::ChannelMalformed, "channels"),
        (10, Some(Int(257)), S::ChannelMalformed, "channels"),
        (11, Some(Int(16)), S::BindingMalformed, "demands"),
        (12, Some(Texts(&["Visa"])), S::ProviderMalformed, "providers"),
        (12, Some(Texts(&["a", "a"])), S::ProviderMalformed, "providers"),
        (12, Some(Texts(&["a", "b", "c", "d", "e", "f", "g", "h", "i"])), S::ProviderMalformed, "providers"),
        (12, Some(Text("visa")), S::BodyMalformed, "providers"),
    ];
    for (key, value, status, field) in cases {
        check(Opcode::Provision, &with(&good, key, value), status, Some(field));
    }
    // What is optional may be absent.
    for key in [0, 7, 8, 9, 10, 11, 12] {
        assert!(decode_message(Opcode::Provision, &body(&with(&good, key, None))).is_ok(), "{key}");
    }
    let rupay = with(&with(&good, 1, Some(Text("6074820000000009"))), 7, None);
    let number = Some("authentication reference number");
    check(Opcode::Provision, &rupay, S::AuthReferenceRequired, number);
}

#[test]
fn a_card_is_given_in_clear_or_by_its_handle() {
    use Status as S;
    let held = with(&with(&with(&provision(), 1, None), 2, None), 13, Some(Bytes(&[7; 16])));
    assert!(decode_message(Opcode::Provision, &body(&held)).is_ok());
    check(Opcode::Provision, &with(&held, 13, Some(Bytes(&[7; 15]))), S::HandleMalformed, Some("handle"));
    check(Opcode::Provision, &with(&held, 13, None), S::FieldMissing, Some("pan"));
    check(Opcode::Provision, &with(&held, 1, Some(Text(PAN))), S::FieldUnknown, None);
    check(Opcode::Provision, &with(&held, 2, Some(Text("2912"))), S::FieldUnknown, None);
}

#[test]
fn each_field_of_holds_and_entries_has_its_own_status() {
    use Opcode as O;
    use Status as S;
    let hold: Map = vec![(1, Text(PAN)), (2, Text("2912")), (3, Int(3_600))];
    let enter: Map = vec![(1, Bytes(&[7; 16])), (2, Bytes(&[7; 256])), (3, Int(1))];
    let open: Map = vec![(1, Int(86_400))];
    let named: Map = vec![(1, Bytes(&[7; 16]))];
    let good = [
        (O::HoldCard, &hold),
        (O::EnterCard, &enter),
        (O::OpenEntry, &open),
        (O::ReleaseCard, &named),
        (O::CloseEntry, &named),
    ];
    for (opcode, map) in good {
        assert!(decode_message(opcode, &body(map)).is_ok(), "{opcode:?}");
        let keyed = with(map, 0, Some(Bytes(b"key")));
        check(opcode, &keyed, S::IdempotencyKeyNotAllowed, Some("idempotency key"));
        check(opcode, &with(map, 9, Some(Int(1))), S::FieldUnknown, None);
        check(
            opcode,
            &[],
            S::FieldMissing,
            Some(match opcode {
                O::HoldCard => "pan",
                O::OpenEntry => "seconds",
                O::ReleaseCard => "handle",
                _ => "session",
            }),
        );
    }
    let cases = [
        (O::HoldCard, &hold, 1, Some(Text("4111111111111112")), S::PanLuhn, "pan"),
        (O::HoldCard, &hold, 2, Some(Text("2913")), S::ExpiryMalformed, "expiry"),
        (O::HoldCard, &hold, 3, None, S::FieldMissing, "seconds"),
        (O::HoldCard, &hold, 3, Some(Int(0)), S::SecondsMalformed, "seconds"),
        (O::HoldCard, &hold, 3, Some(Int(3_601)), S::SecondsMalformed, "seconds"),
        (O::HoldCard, &hold, 3, Some(Int((1 << 32) + 1)), S::SecondsMalformed, "seconds"),
        (O::OpenEntry, &open, 1, Some(Int(86_401)), S::SecondsMalformed, "seconds"),
        (O::OpenEntry, &open, 1, Some(Text("1")), S::BodyMalformed, "seconds"),
        (O::EnterCard, &enter, 1, Some(Bytes(&[7; 17])), S::HandleMalformed, "session"),
        (O::EnterCard, &enter, 2, None, S::FieldMissing, "ciphertext"),
        (O::EnterCard, &enter, 2, Some(Bytes(&[7; 255])), S::CiphertextMalformed, "ciphertext"),
        (O::EnterCard, &enter, 2, Some(Bytes(&[7; 257])), S::CiphertextMalformed, "ciphertext"),
        (O::EnterCard, &enter, 3, Some(Int(3_601)), S::SecondsMalformed, "seconds"),
        (O::ReleaseCard, &named, 1, Some(Text(PAN)), S::BodyMalformed, "handle"),
        (O::CloseEntry, &named, 1, Some(Bytes(b"")), S::HandleMalformed, "session"),
    ];
    for (opcode, map, key, value, status, field) in cases {
        check(opcode, &with(map, key, value), status, Some(field));
    }
}

#[test]
fn unknown_repeated_and_null_fields_are_refused() {
    let good = provision();
    check(Opcode::Provision, &with(&good, 14, Some(Int(1))), Status::FieldUnknown, None);
    let twice = [good.as_slice(), &[(1, Text(PAN))]].concat();
    check(Opcode::Provision, &twice, Status::FieldRepeated, None);
    check(Opcode::Provision, &with(&good, 8, Some(Null)), Status::BodyMalformed, None);
    // A key is content too, if it is put there by mistake.
    check(Opcode::Show, &[(4_111_111_111_111_111, Int(1))], Status::FieldMissing, Some("token"));
    let stray = [(1, Text("4895370012003478")), (4_111_111_111_111_111, Int(1))];
    check(Opcode::Show, &stray, Status::FieldUnknown, None);
}

#[test]
fn each_field_of_the_other_maps_has_its_own_status() {
    use Opcode as O;
    use Status as S;
    let token = (1, Text("4895370012003478"));
    let trid = (1, Text("40010030273"));
    for opcode in [O::Show, O::Detokenize, O::ClearShortLock, O::ChangeStatus, O::Renew] {
        check(opcode, &[], S::FieldMissing, Some("token"));
        check(opcode, &[(1, Text(PAN)), (1, Text(PAN))], S::FieldRepeated, None);
        check(opcode, &[(1, Text("411111111111111111111"))], S::TokenMalformed, Some("token"));
    }
    for opcode in [O::Par, O::Fingerprint, O::LinkPar] {
        check(opcode, &[], S::FieldMissing, Some("pan"));
        check(opcode, &[(1, Text("4111111111111112"))], S::PanLuhn, Some("pan"));
    }
    check(O::LinkPar, &[(1, Text(PAN))], S::FieldMissing, Some("predecessor"));
    check(O::LinkPar, &[(1, Text(PAN)), (2, Text("1"))], S::TokenMalformed, Some("predecessor"));
    check(O::Renew, &[token], S::FieldMissing, Some("expiry"));
    check(O::Renew, &[token, (2, Text("1300"))], S::ExpiryMalformed, Some("expiry"));
    check(O::List, &[], S::FieldMissing, Some("trid"));
    check(O::List, &[(1, Text("1")), (3, Int(1))], S::TridMalformed, Some("trid"));
    check(O::List, &[trid], S::FieldMissing, Some("limit"));
    for limit in [0, 101, 257] {
        check(O::List, &[trid, (3, Int(limit))], S::LimitMalformed, Some("limit"));
    }
    check(O::List, &[trid, (2, Int(1 << 32)), (3, Int(1))], S::PositionMalformed, Some("after"));
    check(O::Reseal, &[], S::FieldMissing, Some("limit"));
    for limit in [0, 101, 257] {
        check(O::Reseal, &[(2, Int(limit))], S::LimitMalformed, Some("limit"));
    }
    check(O::Reseal, &[(1, Int(1 << 32)), (2, Int(1))], S::PositionMalformed, Some("after"));
    check(O::ChangeStatus, &[token], S::FieldMissing, Some("event"));
    for event in
        [("suspend", Some("requested")), ("deactivate", None), ("delete", None), ("deactivate", Some("x"))]
    {
        let mut map = vec![token, (2, Text(event.0))];
        map.extend(event.1.map(|reason| (3, Text(reason))));
        check(O::ChangeStatus, &map, S::EventMalformed, Some("event"));
    }
    let map = [token, (2, Text("suspend")), (4, Text("Visa"))];
    check(O::ChangeStatus, &map, S::ProviderMalformed, Some("provider"));
}

#[test]
fn only_what_changes_something_takes_an_idempotency_key() {
    let key = (0, Bytes(b"key"));
    let token = (1, Text("4895370012003478"));
    let field = Some("idempotency key");
    for opcode in [Opcode::Show, Opcode::Detokenize] {
        check(opcode, &[key, token], Status::IdempotencyKeyNotAllowed, field);
    }
    for opcode in [Opcode::Par, Opcode::Fingerprint] {
        check(opcode, &[key, (1, Text(PAN))], Status::IdempotencyKeyNotAllowed, field);
    }
    let list = [key, (1, Text("40010030273")), (3, Int(1))];
    check(Opcode::List, &list, Status::IdempotencyKeyNotAllowed, field);
    let body = body(&[key, token]);
    let Message::Engine(request) = decode_message(Opcode::ClearShortLock, &body).unwrap() else { panic!() };
    assert_eq!(request.idempotency.unwrap().as_bytes(), b"key");
}

#[test]
fn each_field_of_hello_has_its_own_status() {
    let good: Map = vec![(2, Int(65_536)), (3, Int(8)), (4, Text("vault"))];
    let hello = |map: &[(u64, Value)], versions: &[u8]| {
        let mut bytes = body(map);
        bytes[0] += 1;
        bytes.extend([&[1][..], versions].concat());
        Hello::decode(&bytes).map_err(|fault| (fault.status, fault.field))
    };
    assert!(hello(&good, &[0x81, 1]).is_ok());
    let cases = [
        (2, None, Status::FieldMissing, "largest frame"),
        (2, Some(Int(1 << 32)), Status::BodyMalformed, "largest frame"),
        (3, None, Status::FieldMissing, "in flight"),
        (4, None, Status::FieldMissing, "name"),
        (4, Some(Text("")), Status::NameMalformed, "name"),
        (4, Some(Text("\u{e9}")), Status::NameMalformed, "name"),
    ];
    for (key, value, status, field) in cases {
        assert_eq!(hello(&with(&good, key, value), &[0x81, 1]), Err((status, Some(field))));
    }
    assert_eq!(hello(&good, &[0x01]), Err((Status::BodyMalformed, Some("versions"))));
    assert_eq!(hello(&good, &[0x81, 0x61, b'1']), Err((Status::BodyMalformed, Some("versions"))));
    assert_eq!(hello(&with(&good, 9, Some(Int(1))), &[0x81, 1]), Err((Status::FieldUnknown, None)));
}

#[test]
fn no_debug_shows_a_pan() {
    for opcode in [Opcode::Provision, Opcode::Par, Opcode::Fingerprint] {
        let map = if opcode == Opcode::Provision { provision() } else { vec![(1, Text(PAN))] };
        let body = body(&map);
        shows_no_pan(&format!("{:?}", decode_message(opcode, &body).unwrap()));
        let mut bytes = Vec::new();
        let writer = FrameWriter::begin(&mut bytes, opcode.number(), 0, 1);
        bytes.extend(&body);
        writer.finish(&mut bytes);
        let mut intake = Intake::new(4096);
        intake.space()[..bytes.len()].copy_from_slice(&bytes);
        intake.filled(bytes.len());
        let mut arrivals = Vec::new();
        let parsed = intake.arrivals(9, &mut arrivals);
        assert!(matches!(arrivals[0], Arrival::Frame(_)));
        shows_no_pan(&format!("{arrivals:?} {intake:?} {parsed:?}"));
    }
}
