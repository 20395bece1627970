//! Seeds of what merchants and terminals send: bodies, EMV data, encrypted cards.

/// Cards that came in encrypted; what is refused.
pub fn entry() -> [(&'static str, &'static str); 4] {
    [
        (
            "card",
            r#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"29","cvc":"123","holderName":"A B"}"#,
        ),
        (
            "spaced",
            " { \"expiryYear\" : \"2029\" ,\n\t\"number\":\"3782 822463 10005\",\"expiryMonth\":\"01\" } ",
        ),
        (
            "escape",
            r#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"29","holderName":"\u0041"}"#,
        ),
        ("twice", r#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"29","expiryYear":"30"}"#),
    ]
}

/// A terminal's data; the same with other tags, zeros between and long lengths; what is
/// refused. Each behind what is given of results and counters, and what is changed.
pub fn emv() -> Vec<(&'static str, Vec<u8>)> {
    let plain = b"\x9f\x02\x06\0\0\0\x01\x23\x45\x9f\x03\x06\0\0\0\0\0\0\x9f\x1a\x02\x03\x56\x95\x05\x80\0\x04\x80\0\
        \x5f\x2a\x02\x03\x56\x9a\x03\x26\x11\x21\x9c\x01\0\x9f\x37\x04\xde\xad\xbe\xef\x82\x02\x18\0\x9f\x36\x02\x01\x07\
        \x9f\x26\x08\x71\x0e\x1c\x2c\x6e\xa3\x97\x1a\x5f\x34\x01\x01";
    let visa = [&plain[..], b"\x9f\x10\x07\x06\x01\x0a\x03\xa0\xb8\0"].concat();
    let of = |front: &[u8], version: u8, more: usize| {
        let issuer =
            [&[0x9f, 0x10, 8 + u8::try_from(more).unwrap(), 1, version][..], &[5; 6], &vec![7; more]];
        [front, plain, &issuer.concat()].concat()
    };
    let more = b"\0\0\x9f\x33\x03\xe0\xf8\xc8\0\x84\x81\x07\xa0\0\0\0\x03\x10\x10\x70\x82\0\x03\x9c\x01\0";
    vec![
        ("plain", [&[0, 0, 10, 50][..], &visa].concat()),
        ("more", [&[0, 0, 0, 0][..], more, &visa].concat()),
        ("twice", [&[0, 0, 0, 0][..], &visa, b"\x9c\x01\0"].concat()),
        ("cut", [&[0, 0, 0, 0][..], &visa[..40]].concat()),
        ("cvn16", of(&[0, 0, 10, 12], 16, 2)),
        ("cvn17", of(&[0, 0, 10, 77], 17, 10)),
        ("cvn20", of(&[0, 0, 10, 70], 20, 2)),
        ("cvn21", of(&[0, 0, 10, 180], 21, 18)),
        ("results", [&[5, 0, 13, 1, 3, 0xa0, 0xb8, 1][..], plain].concat()),
        ("counters", [&[7, 9, 11, 0][..], &[3; 14], plain].concat()),
    ]
}

/// Bodies and queries; what is refused.
#[cfg(feature = "vault")]
pub fn bodies() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "card",
            r#"{"amount":10050,"currency":"INR","card":{"number":"4111 1111 1111 1111","cvv":"123","expiry_month":7},"save":true}"#,
        ),
        ("kinds", r#"{"a":null,"b":[1,-2,{"c":"\u00e9\n"}],"d":100.50,"e":"False","f":"","g":{}}"#),
        ("twice", r#"{"number":"4111","a":{"b":":","b":"\""}}"#),
        ("list", r#"[{"a":1}]"#),
        ("blank", " \n"),
        ("form", "amount=100.50&name=Asha+Rao&email=a%40example.com&card%5Bnumber%5D=4111111111111111&x="),
        ("alike", "a=1&b=2&a=1"),
        ("apart", "a=1&b=2&a=2"),
        ("other", "a=1&b=%ff&a=2"),
    ]
}

/// What a job writes, and what is no record of it: each from behind the head.
pub fn resumed() -> [(&'static str, &'static [u8]); 6] {
    [
        (
            "rows",
            b"1,ok,4895370012345671,4912,500199GJ8TXD0Z0W4PIQAK6C3R1VN,5a5a,xxxxxxxxxxxx1111,\n3,card_expired,,,,,,\"a, b\"\n",
        ),
        ("whole", b"# tally provision 1 0\nline,status\n2,ok,\n5,bad,\n7,o"),
        ("head", b"# tally provision 1 0\nline,st"),
        ("other", b"# tally provision 1 1\nline,status\n1,ok,\n"),
        ("back", b"3,ok,\n2,ok,\n"),
        ("last", b"18446744073709551615,ok,\n"),
    ]
}
