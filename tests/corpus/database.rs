//! What a database server says: seeds of `server` and `carried`.

use tallystick::store::journal::{Standing, encode};

/// A message: its type, the length of its body, and that.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn row(columns: &[&[u8]]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for column in columns {
        body.extend(u32::try_from(column.len()).unwrap().to_be_bytes());
        body.extend_from_slice(column);
    }
    message(b'D', &body)
}

/// The answer to a statement.
fn answer(rows: &[Vec<u8>], tag: &str) -> Vec<u8> {
    let end = message(b'C', format!("{tag}\0").as_bytes());
    [message(b'1', b""), message(b'2', b""), rows.concat(), end].concat()
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn rows(rows: &[Vec<u8>]) -> Vec<u8> {
    [answer(rows, "SELECT 1"), ready()].concat()
}

/// A journal of one group, in which a token was saved and an answer kept.
fn said() -> Vec<u8> {
    let number = |number: u64| number.to_be_bytes();
    let body = encode(&[], &[], Standing::default());
    let marks = [0, 0, 0, 0, 0, 1];
    let (before, mac) = ([0; 32], [7; 32]);
    let head = row(&[&number(1), &mac, &number(1), &number(40), &number(1)]);
    let token = row(&[&number(0), &number(40_010_000_001), &number(1), b"a row"]);
    let group = [&number(1)[..], &number(1), &before, &marks, &body, &mac];
    let carried = [&tokens()[..], &records(), &pages()];
    [
        message(b'R', &[0; 4]),
        message(b'K', &[0; 8]),
        message(b'S', b"in_hot_standby\0off\0"),
        ready(),
        answer(&[], "BEGIN"),
        answer(&[], "SET"),
        ready(),
        rows(std::slice::from_ref(&head)),
        rows(&[row(&[&number(1), b"key", &number(9), b"a record"])]),
        rows(&[row(&[&number(1)])]),
        rows(&[row(&[&number(0), b"a page"])]),
        rows(&[row(&[&marks])]),
        rows(&[token]),
        rows(&[row(&[&number(0), b"counters"])]),
        rows(&[row(&group)]),
        answer(&[], "COMMIT"),
        ready(),
        answer(&[], "BEGIN"),
        answer(&[head], "SELECT 1"),
        answer(&[row(&[&number(1), &number(0)])], "SELECT 1"),
        rows(&[row(&[&group[..], &carried].concat())]),
    ]
    .concat()
}

fn tokens() -> Vec<u8> {
    let trid = 40_010_000_001_u64.to_be_bytes();
    [&[0, 0, 0, 0][..], &trid, &[0, 1], &[0, 0, 0, 5], b"a row"].concat()
}

fn records() -> Vec<u8> {
    let kept = [&[1, 3][..], &[0, 0, 0, 0, 0, 0, 0, 9], &[0, 0, 0, 1], b"k", &[0, 0, 0, 1], b"v"].concat();
    let removed = [&[2, 0][..], &[0, 0, 0, 1], b"k"].concat();
    [kept, removed].concat()
}

fn pages() -> Vec<u8> {
    vec![1, 0, 0, 0, 0, 2, 0, 0, 0, 3]
}

pub fn carried() -> [(&'static str, Vec<u8>); 3] {
    [("tokens", tokens()), ("records", records()), ("pages", pages())]
}

pub fn servers() -> [(&'static str, Vec<u8>); 4] {
    let framed = |said: &[u8]| [&[1][..], said].concat();
    let scram =
        [message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"), message(b'R', b"\0\0\0\x0br=x,s=eA==,i=4096")];
    let refused = message(b'E', b"SFATAL\0VFATAL\0C53300\0Mtoo many\0\0");
    [
        ("whole", framed(&said())),
        ("scram", framed(&scram.concat())),
        ("refused", framed(&refused)),
        ("raw", b"\0R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec()),
    ]
}
