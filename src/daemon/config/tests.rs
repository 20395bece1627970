//! The default parses, and every fault is told with its field.

use super::*;

/// A configuration with one line added to, or put in the place of, another.
fn with(from: &str, to: &str) -> Result<Config, ConfigError> {
    let text = default_text(1000);
    assert!(text.contains(from), "{from}");
    Config::parse(&text.replacen(from, to, 1))
}

fn field_of(result: Result<Config, ConfigError>) -> String {
    match result {
        Err(ConfigError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_default_is_good_and_names_its_user() {
    let config = Config::parse(&default_text(1000)).unwrap();
    assert_eq!(config.peers[0].uid, Some(1000));
    assert_eq!(config.engine.token_ranges.len(), Network::ALL.len());
    assert!(Role::ALL.into_iter().all(|role| config.peers[0].caller.roles().has(role)));
}

#[test]
fn token_ranges_lie_in_their_own_networks() {
    for (network, range) in Config::parse(&default_text(0)).unwrap().engine.token_ranges {
        let pan = crate::types::Pan::parse(b"4111111111111111").unwrap();
        let token = range.draw(&crate::crypto::SystemRandom, &pan, |_| false).unwrap();
        assert_eq!(Network::of_digits(token.digits().as_bytes()), network);
    }
}

#[test]
fn every_bad_field_is_named() {
    let peer = "roles = [\"provisioner\", \"issuer\", \"verifier\", \"detokenizer\", \"auditor\", \"admin\"]";
    for (from, to, field) in [
        ("\"TLY1\"", "\"tly1\"", "bin_controller"),
        ("max_age_slots = 144", "max_age_slots = 0", "cryptogram.max_age_slots"),
        ("max_age_slots = 144", "max_age_slots = 32768", "cryptogram.max_age_slots"),
        ("network = \"mastercard\"", "network = \"master\"", "token_range[1].network"),
        ("prefix = \"489537\"", "prefix = \"48953x\"", "token_range[0].prefix"),
        ("name = \"owner\"", "name = \"\"", "peer[0].name"),
        ("uid = 1000\n", "\n", "peer[0]"),
        (peer, "roles = [\"issuer\", \"god\"]", "peer[0].roles[1]"),
        (peer, "roles = []", "peer[0].roles"),
        (peer, "roles = [\"issuer\"]\ntrids = [\"123\"]", "peer[0].trids[0]"),
        (peer, "roles = [\"issuer\"]\n[limits]\nconnections = 0", "limits.connections"),
        (peer, "roles = [\"issuer\"]\n[limits]\nidempotency_seconds = 60", "limits.idempotency_seconds"),
        (peer, "roles = [\"issuer\"]\n[limits]\nframe_bytes = 10", "limits.frame_bytes"),
        (peer, "roles = [\"issuer\"]\n[limits]\ntoken_per_minute = 0", "limits.token_per_minute"),
        (peer, "roles = [\"issuer\"]\nrequests_per_second = 0", "peer[0].requests_per_second"),
        (peer, "roles = [\"issuer\"]\nexecutable_sha256 = \"ab\"", "peer[0].executable_sha256"),
        (peer, "roles = [\"issuer\"]\n[audit]\nfile_bytes = 65536", "audit.file_bytes"),
    ] {
        assert_eq!(field_of(with(from, to)), field, "{to}");
    }
}

#[test]
fn two_peers_share_neither_name_nor_identity() {
    let text = default_text(1000);
    let second = |name: &str, uid: u32| {
        Config::parse(&format!("{text}\n[[peer]]\nname = \"{name}\"\nuid = {uid}\nroles = [\"issuer\"]\n"))
    };
    assert!(second("vault", 1001).is_ok());
    assert_eq!(field_of(second("owner", 1001)), "peer[1].name");
    assert_eq!(field_of(second("vault", 1000)), "peer[1]");
}

#[test]
fn unknown_fields_and_types_are_told_with_their_line() {
    for (from, to, told) in [
        ("max_age_slots", "max_age_slot", "max_age_slot"),
        ("uid = 1000", "uid = \"root\"", "uid"),
        ("[cryptogram]", "[cryptogramm]", "cryptogramm"),
        ("bin_controller = \"TLY1\"", "", "bin_controller"),
    ] {
        match with(from, to) {
            Err(ConfigError::Syntax(message)) => assert!(message.contains(told), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_user_may_be_two_peers_by_their_executables() {
    let two = |first: &str, second: &str| {
        let peer = |name: &str, digest: &str| {
            format!(
                "[[peer]]\nname = \"{name}\"\nuid = 7\nexecutable_sha256 = \"{digest}\"\nroles = [\"issuer\"]\n"
            )
        };
        Config::parse(&(default_text(1000) + &peer("a", first) + &peer("b", second)))
    };
    let (one, other) = ("0a".repeat(32), "0B".repeat(32));
    let config = two(&one, &other).unwrap();
    assert_eq!(config.peers[1].executable, Some([0x0a; 32]));
    assert_eq!(config.peers[2].executable, Some([0x0b; 32]));
    assert_eq!(field_of(two(&one, &one)), "peer[2]");
}

#[test]
fn the_store_is_a_file_unless_said_otherwise() {
    let store = |lines: &str| {
        Config::parse(&format!("{}\n[store]\n{lines}", default_text(0))).map(|config| config.store)
    };
    assert!(matches!(Config::parse(&default_text(0)).unwrap().store, StoreConfig::Sqlite));
    assert!(matches!(store("kind = \"sqlite\""), Ok(StoreConfig::Sqlite)));
    for wrong in ["", "kind = \"oracle\"", "kind = \"sqlite\"\nhosts = []"] {
        assert!(matches!(store(wrong), Err(ConfigError::Syntax(_))), "{wrong}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn a_shared_store_is_checked_field_by_field() {
    use crate::store::postgres::{PostgresHost, PostgresTls};
    use std::path::PathBuf;

    let good = r#"[store]
kind = "postgres"
hosts = ["db-1.example", "db-2.example:6432"]
database = "cards"
user = "tally-a"
password_file = "/etc/tallystick/password"
ca_file = "/etc/tallystick/ca.pem"
node = "a"
"#;
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Config::parse(&format!("{}\n{}", default_text(0), good.replacen(from, to, 1)))
    };
    let StoreConfig::Postgres(config) = with("a", "a").unwrap().store else { panic!("another store") };
    assert_eq!(config.hosts[1], PostgresHost::Tcp("db-2.example".to_owned(), 6432));
    assert_eq!(config.tls, Some(PostgresTls { ca: PathBuf::from("/etc/tallystick/ca.pem"), identity: None }));
    assert_eq!((config.patience.as_secs(), config.turn_timeout.as_secs()), (20, 5));
    let ca = "ca_file = \"/etc/tallystick/ca.pem\"\n";
    for (from, to, field) in [
        (":6432", ":0", "store.hosts[1]"),
        ("\"db-1.example\", \"db-2.example:6432\"", "", "store.hosts"),
        ("\"cards\"", "\"\"", "store.database"),
        ("\"tally-a\"", "\"a\\u0000b\"", "store.user"),
        ("node = \"a\"", "node = \"A\"", "store.node"),
        (ca, "", "store.ca_file"),
        (ca, "certificate_file = \"/x\"\nkey_file = \"/x\"\n", "store.ca_file"),
        (ca, "ca_file = \"/x\"\nkey_file = \"/x\"\n", "store.certificate_file"),
        (ca, "ca_file = \"/x\"\ncertificate_file = \"/x\"\n", "store.key_file"),
        (ca, "ca_file = \"/x\"\npatience_seconds = 0\n", "store.patience_seconds"),
        (ca, "ca_file = \"/x\"\nturn_milliseconds = 10000\n", "store.turn_milliseconds"),
        (ca, "ca_file = \"/x\"\nturn_milliseconds = 99\n", "store.turn_milliseconds"),
    ] {
        assert_eq!(field_of(with(from, to)), field, "{to}");
    }
    let local =
        with("\"db-1.example\", \"db-2.example:6432\"", "\"127.0.0.1\", \"/run/postgresql\"").unwrap();
    assert!(matches!(local.store, StoreConfig::Postgres(_)));
    assert!(matches!(with("user", "usr"), Err(ConfigError::Syntax(_))));
}
