//! scratch
use std::sync::Arc;
use tallystick::command::*;
use tallystick::crypto::SystemRandom;
use tallystick::engine::*;
use tallystick::keys::*;
use tallystick::secmem::Region;
use tallystick::store::*;
use tallystick::types::*;
fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let n: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let config = tallystick::daemon::config::Config::read(&dir.join("tallyd.toml")).unwrap();
    let sealed = SealedKeyring::from_bytes(&std::fs::read(dir.join("keyring")).unwrap()).unwrap();
    let pass = read_passphrase(&dir.join("passphrase")).unwrap();
    let region = Region::new(64).unwrap();
    let keyring = Arc::new(sealed.open(&region, &pass).unwrap().load().unwrap());
    let mut store = SqliteStore::open(&dir.join("tally.db")).unwrap();
    let (mut engine, mut chain) =
        Engine::new(config.engine).unseal(keyring, &mut store, &[], UnixTime::from_system_clock()).unwrap();
    let caller = Caller::new("owner", Roles::of(&Role::ALL), None);
    let t = std::time::Instant::now();
    for i in 0..n {
        let body = 400000000000000u64 + i;
        let mut d = format!("{body}");
        let s: u32 = d
            .bytes()
            .rev()
            .enumerate()
            .map(|(k, b)| {
                let v = (b - b'0') as u32;
                if k % 2 == 0 {
                    let w = v * 2;
                    if w > 9 { w - 9 } else { w }
                } else {
                    v
                }
            })
            .sum();
        d.push((b'0' + ((10 - s % 10) % 10) as u8) as char);
        let p = Provision {
            pan: Pan::parse(d.as_bytes()).unwrap(),
            expiry: Expiry::parse(b"4912").unwrap(),
            trid: Trid::parse(b"40010000001").unwrap(),
            evidence: Evidence {
                provider: Reference::parse("bench").unwrap(),
                reference: Reference::parse("bench").unwrap(),
                auth_reference: None,
            },
            par: None,
            domain: Domain::default(),
            providers: None,
        };
        let ctx = Context { now: UnixTime::from_system_clock(), random: &SystemRandom, caller: &caller };
        match engine.execute(
            ctx,
            &Request { command: Command::Provision(Box::new(p)), idempotency: None, body: b"" },
            None,
            &Fetched::Nothing,
        ) {
            Outcome::Answer(_) => {}
            _ => panic!(),
        }
        if i % 2000 == 1999 || i == n - 1 {
            let g = chain.seal(engine.take_group().unwrap(), GroupNumber(u64::MAX));
            store.reserve(Some(&g)).unwrap();
            let r = store.append(&g).unwrap();
            engine.committed(r.newest());
        }
        if i % 1000000 == 0 {
            println!("{i} {:?}", t.elapsed());
        }
    }
}
