//! Requests that are no requests: too large, too slow, ambiguous.

use std::time::Duration;

use serde_json::Value;

use crate::http::{Connection, Reply};
use crate::shop::{CARD, Shop};

/// The status and the body, which must be in the API's shape.
fn shaped(reply: &Reply) -> (u16, Value) {
    let body = reply.json();
    assert!(body["code"].is_string() && body["type"].is_string(), "{body}");
    (reply.status, body)
}

#[test]
fn a_body_of_ten_megabytes_is_refused() {
    let shop = Shop::open();
    // It may be closed while it still sends; what it is told is told before.
    let mut connection = Connection::to(&shop.address);
    let head = "POST /pg/orders HTTP/1.1\r\nhost: vault\r\ncontent-length: 10485760\r\n\r\n";
    connection.raw(head.as_bytes()).unwrap();
    for _ in 0..160 {
        if connection.raw(&[b'x'; 65_536]).is_err() {
            break;
        }
    }
    let (status, _) = shaped(&connection.receive().unwrap());
    assert_eq!(status, 413);
    assert_eq!(shop.ask("GET", "/pg/nothing", &[], b"").status, 404);
}

#[test]
fn a_path_that_is_not_utf_8_is_refused_in_the_apis_shape() {
    let shop = Shop::open();
    for (path, pointer) in [
        ("/pg/orders/%ff", "/message"),
        ("/v1/orders/%ff", "/error/description"),
        ("/orders/%ff", "/error_message"),
        ("/sessions/%ff", "/error/message"),
    ] {
        let reply = shop.ask("GET", path, &[], b"");
        assert_eq!((reply.status, reply.header("content-type")), (400, Some("application/json")), "{path}");
        assert_eq!(reply.json().pointer(pointer).unwrap(), "The request is malformed", "{path}");
    }
}

#[test]
fn two_ways_to_say_where_a_body_ends_are_refused() {
    let shop = Shop::open();
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
        "transfer-encoding : chunked",
        "content-length: 5\r\n folded: yes",
    ] {
        let mut connection = Connection::to(&shop.address);
        let request = format!(
            "POST /pg/orders HTTP/1.1\r\nhost: vault\r\n{framing}\r\n\r\n0\r\n\r\nGET /pg/hidden HTTP/1.1\r\nhost: vault\r\n\r\n"
        );
        connection.raw(request.as_bytes()).unwrap();
        let reply = connection.receive().unwrap();
        assert!((400..500).contains(&reply.status), "{framing}: {} {}", reply.status, reply.body);
        // What stood behind it is not taken for a request of its own.
        assert!(connection.receive().is_err(), "{framing}: a hidden request was answered");
    }
}

#[test]
fn slow_clients_keep_nobody_waiting_and_are_let_go() {
    let shop = Shop::open();
    let slow: Vec<_> = (0..200)
        .map(|at| {
            let mut connection = Connection::to(&shop.address);
            let said: &[u8] = match at % 3 {
                0 => b"POST /pg/orders HT",
                1 => b"POST /pg/orders HTTP/1.1\r\nhost: vault\r\ncontent-length: 100\r\n\r\n{",
                _ => b"",
            };
            connection.raw(said).unwrap();
            connection
        })
        .collect();
    assert_eq!(shop.ask("GET", "/pg/nothing", &[], b"").status, 404);
    // One that sends half of a body is told; the others are closed.
    let mut slow = slow.into_iter();
    let (mut head, mut body, mut silent) = (slow.next().unwrap(), slow.next().unwrap(), slow.next().unwrap());
    let (status, _) = shaped(&body.receive().unwrap());
    assert_eq!(status, 408);
    assert!(head.receive().is_err());
    assert!(silent.receive().is_err());
}

/// One that asks and never reads is let go, and what it holds is free again.
#[test]
fn a_peer_that_does_not_read_is_let_go() {
    let shop = Shop::open();
    let mut connection = Connection::to(&shop.address);
    let asked = "GET /openapi.yaml HTTP/1.1\r\nhost: vault\r\n\r\n".repeat(400);
    connection.raw(asked.as_bytes()).unwrap();
    let begun = std::time::Instant::now();
    while connection.raw(b"x").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it is kept");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Nothing of a card stays with the vault: not in its files, not in what it prints.
#[test]
fn no_card_number_stays_anywhere() {
    let shop = Shop::open();
    let caller = crate::cashfree::Caller::of(&shop, 0);
    let cvv = "739";
    caller.save("asha", CARD);
    let (session, _) = caller.order("asha");
    let mut card = crate::cashfree::card(CARD);
    card["card_cvv"] = cvv.into();
    caller.pay(&session, card, true);
    // A card's number in a field for a token's: it is none, and is not written down to say so.
    let (session, _) = caller.order("asha");
    let mut mistaken = crate::cashfree::card(CARD);
    mistaken["cryptogram"] = "AQBBBBBBZatIlaIAmWKSghwBBBA=".into();
    mistaken["token_requestor_id"] = "40010000001".into();
    let body = serde_json::json!({"payment_session_id": session, "payment_method": {"card": mistaken}});
    let reply = caller.keyed("POST", "/pg/orders/sessions", &body, Some("key"));
    assert_eq!(shaped(&reply).0, 404);
    std::thread::sleep(Duration::from_millis(50));
    let mut files = Vec::new();
    walk(shop.dir.path(), &mut files);
    assert!(files.iter().any(|path| path.ends_with("vault.db-wal")), "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(CARD.len()).any(|window| window == CARD.as_bytes());
        assert!(!found, "{} holds a card number", path.display());
    }
}

fn walk(dir: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}
