//! Vault and engine are killed while tokens are made: each token of the engine is
//! somebody's, and a retry with its key comes to the same end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::caller::{Caller, KEY, token_of};
use crate::cashfree::{engine_tokens, text};
use crate::shop::{CARD, Shop};

/// Makes tokens until told to stop or left alone, with a key and without in turn: the
/// keys, each with the token if there was an answer.
fn customer(shop: &Shop, id: &str, name: &str, stop: &AtomicBool) -> BTreeMap<String, Option<Value>> {
    let caller = Caller::of(shop, 0);
    let (body, mut asked, mut failed) = (token_of(id, CARD).to_string(), BTreeMap::new(), 0);
    for number in 0_u32.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let key = format!("{name}-{number}");
        let mut headers = vec![("authorization", caller.authorization.as_str())];
        headers.extend(number.is_multiple_of(2).then_some((KEY, key.as_str())));
        // An answer that does not come is as good as none.
        let reply = crate::http::Connection::try_to(&shop.address)
            .and_then(|mut connection| connection.ask("POST", "/v1/tokens", &headers, body.as_bytes()));
        let answer = reply.ok().filter(|reply| reply.status == 200).map(|reply| reply.json());
        failed += u32::from(answer.is_none());
        if number.is_multiple_of(2) {
            asked.insert(key, answer);
        }
        if failed == 4 {
            break;
        }
    }
    asked
}

#[test]
fn killed_at_any_moment_every_token_is_somebodys() {
    const ROUNDS: u64 = 6;
    let mut shop = Shop::open();
    let id = Caller::of(&shop, 0).customer("asha");
    let mut all = BTreeMap::new();
    for round in 0..ROUNDS {
        let stop = AtomicBool::new(false);
        let names: Vec<_> = (0..3).map(|at| format!("{round}-{at}")).collect();
        let asked = std::thread::scope(|scope| {
            let workers: Vec<_> =
                names.iter().map(|name| scope.spawn(|| customer(&shop, &id, name, &stop))).collect();
            shop.kill_at_a_moment(round, 200..600);
            stop.store(true, Ordering::SeqCst);
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        all.extend(asked);
        shop.kill_and_restart();
    }
    let caller = Caller::of(&shop, 0);
    let (known, unknown): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, answer)| answer.is_some());
    println!("{} answers that came, {} that did not", known.len(), unknown.len());
    assert!(!known.is_empty() && !unknown.is_empty());
    for (key, before) in known.iter().step_by(10).chain(&unknown) {
        let token = retried(&caller, &id, key);
        assert!(before.as_ref().is_none_or(|before| *before == token));
        assert_eq!(retried(&caller, &id, key), token);
    }
    settle(&shop);
    // As many in the engine as instruments: none is nobody's.
    let (made, shown) = (count(&shop, "SELECT count(*) FROM instrument"), caller.tokens(&id));
    assert_eq!(engine_tokens(&shop), made);
    assert_eq!(shown.len(), usize::try_from(made).unwrap().min(1000));
    assert!(shown.iter().all(|token| text(&token["status"]) == "active"));
}

/// The answer to a retry. An engine on a busy machine may be away for a while.
fn retried(caller: &Caller<'_>, id: &str, key: &str) -> Value {
    let begun = Instant::now();
    loop {
        let reply = caller.keyed("POST", "/v1/tokens", &token_of(id, CARD), Some(key));
        if reply.status != 503 {
            return reply.ok();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{key}: {}", reply.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until nothing is left lying.
fn settle(shop: &Shop) {
    let begun = Instant::now();
    while count(shop, "SELECT count(*) FROM saving") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "cards stay unfinished");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn count(shop: &Shop, query: &str) -> u64 {
    let db = Connection::open_with_flags(shop.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    u64::from(db.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap())
}
