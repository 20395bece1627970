//! Traces, as a collector gets them: the way of a request, and nothing of a card.

mod collector;

use serde_json::json;

use crate::cashfree::{card, order_of, text};
use crate::shop::{CARD, Shop, signal};
use collector::{Collector, Span};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Saves a card and pays with it, as a merchant whose request is part of a trace.
fn pay(shop: &Shop, order: &str) {
    let (id, secret) = shop.credential(0, "cashfree");
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let state = format!("card={CARD}");
    let headers = [
        ("x-client-id", id),
        ("x-client-secret", secret),
        ("x-api-version", "2023-08-01"),
        ("traceparent", parent.as_str()),
        ("tracestate", state.as_str()),
    ];
    let ask = |path: &str, body: serde_json::Value| {
        let reply = shop.ask("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(reply.status, 200);
        reply.json()
    };
    let mut wanted = order_of("traced");
    wanted["order_id"] = order.into();
    let order = ask("/pg/orders", wanted);
    let body = json!({"payment_session_id": order["payment_session_id"],
        "payment_method": {"card": card(CARD)}, "save_instrument": true});
    let payment = text(&ask("/pg/orders/sessions", body)["cf_payment_id"]);
    let path = format!("/pg/orders/pay/authenticate/{payment}");
    let told = ask(&path, json!({"otp": "111000", "action": "SUBMIT_OTP"}));
    assert_eq!(told["authenticate_status"], "SUCCESS");
}

#[test]
fn a_payment_is_traced_and_nothing_of_its_card_is_told() {
    let collector = Collector::start();
    let shop = Shop::within(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")],
        &[],
    );
    pay(&shop, "traced-1");
    let is_authenticated =
        |span: &Span| span.text("http.route").is_some_and(|it| it.contains("authenticate"));
    let spans = collector.until(|spans| spans.iter().any(is_authenticated));
    let served: Vec<_> = spans.iter().filter(|span| span.text("http.route").is_some()).collect();
    assert!(served.len() >= 3, "{served:?}");
    for span in &served {
        assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, PARENT), "{span:?}");
        assert_eq!(span.text("http.request.method"), Some("POST"));
        assert_eq!(span.number("http.response.status_code"), Some(200));
    }
    // The route and not the path: no payment's id.
    let route = spans.iter().find(|span| is_authenticated(span)).unwrap().text("http.route").unwrap();
    assert!(route.ends_with('}'), "{route}");
    let below = |span: &&Span| served.iter().any(|serving| serving.id == span.parent);
    let engine: Vec<_> = spans.iter().filter(below).filter_map(|span| span.text("rpc.method")).collect();
    assert!(engine.contains(&"hold_card") && engine.contains(&"provision"), "{engine:?}");
    let status = |span: &&Span| span.text("rpc.method").is_none() || span.text("tally.status") == Some("ok");
    assert!(spans.iter().all(|span| status(&span)), "{spans:?}");
    assert!(spans.iter().filter(below).any(|span| span.text("db.operation.name") == Some("write")));

    let bytes = collector.bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("http.route") && has("tally-vault"), "the search finds what is there");
    let (_, secret) = shop.credential(0, "cashfree");
    for hidden in [CARD, &CARD[6..], "card=", secret, "111000", "traced-1"] {
        assert!(!has(hidden), "{hidden} was told");
    }
}

#[test]
fn nobody_waits_for_a_collector_that_does_not_answer() {
    // It is connected to, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let shop = Shop::within(
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "10")],
        &[],
    );
    for round in 0..20 {
        pay(&shop, &format!("silent-{round}"));
    }
    // It did try.
    silent.accept().unwrap();
    drop(silent);
    for round in 20..25 {
        pay(&shop, &format!("silent-{round}"));
    }
    signal(shop.vault_pid().into(), "TERM");
}
