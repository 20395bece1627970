//! Keys of other systems from their custodians to a cryptogram that is accepted once:
//! with `tally` alone, by two admins who are two users.

use serde_json::Value;

use crate::dual::{ANNA, BEN, agreed, done, prepared, refused, told_with};
use crate::process::Daemon;

/// A transport key in two components, and what is exchanged under it.
const COMPONENTS: [(&str, &str); 2] =
    [("0123456789abcdeffedcba9876543210", "08D7B4"), ("1032547698badcfe0f1e2d3c4b5a6978", "")];

#[test]
fn a_key_comes_in_by_custodians_makes_cryptograms_goes_out_in_a_block_and_comes_back() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    assemble(&daemon, "kbpk-1", "key-transport", "aes-128", true);
    assemble(&daemon, "imk-1", "emv-issuer-master", "tdes-2", true);
    let issued = emv(&daemon, "imk-1", "arqc", &[]);
    assert_eq!(issued["atc"], 1);
    let arqc = issued["cryptogram"].as_str().unwrap();
    let metrics = done(&daemon, ANNA, &["status", "--metrics"])["metrics"].as_str().unwrap().to_owned();
    assert!(metrics.contains("tally_cards 1\n") && metrics.contains("tally_cards_worn 0\n"), "{metrics}");
    // Out in a block of version D, and back under another label: the same key.
    let digest = agreed(&daemon, &["key", "export", "imk-1", "--transport", "kbpk-1"]);
    let block =
        done(&daemon, ANNA, &["keyblock", "write", &digest])["key_block"].as_str().unwrap().to_owned();
    assert!(block.starts_with('D'), "{block}");
    refused(&daemon, ANNA, &["keyblock", "write", &digest], "proposal_unknown");
    let file = daemon.path("block.txt");
    std::fs::write(&file, &block).unwrap();
    let file = file.to_str().unwrap();
    let said = done(&daemon, ANNA, &["keyblock", "read", file]);
    assert_eq!(said["usage"], "E0", "{said}");
    let import = ["key", "import", "imk-2", "--transport", "kbpk-1", "--block", file];
    let digest = agreed(&daemon, &import);
    done(&daemon, ANNA, &["import-key", &digest]);
    let verify = ["--tag", "9F36=0001", "--arqc", arqc, "--arc", "3030"];
    let accepted = emv(&daemon, "imk-2", "verify", &verify);
    assert_eq!((&accepted["atc"], accepted["arpc"].as_str().unwrap().len()), (&Value::from(1), 16));
    // Once, whichever key it is shown to, and through a restart.
    daemon.kill();
    daemon.launch();
    for key in ["imk-1", "imk-2"] {
        let (json, code) = emv_told(&daemon, key, "verify", &verify);
        assert_eq!((code, json["status"].as_str()), (1, Some("replayed")), "{json}");
    }
    // A changed block is refused, and a label that was used.
    let mut changed = block.into_bytes();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(file, &changed).unwrap();
    let digest = agreed(&daemon, &["key", "import", "imk-3", "--transport", "kbpk-1", "--block", file]);
    refused(&daemon, ANNA, &["import-key", &digest], "key_refused");
    let digest = agreed(&daemon, &["key", "remove", "imk-2"]);
    done(&daemon, ANNA, &["destroy", &digest]);
    let (json, _) = emv_told(&daemon, "imk-2", "arqc", &[]);
    assert_eq!(json["status"], "unknown_key", "{json}");
}

#[test]
fn a_card_verification_value_and_its_few_attempts() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    assemble(&daemon, "cvk-1", "card-verification", "tdes-2", false);
    let value = |input: &str, arguments: &[&str]| {
        let of = ["cvv", arguments[0], "--key", "cvk-1", "--expiry", "2912", "--kind", "cvv2"];
        told_with(&daemon, 0, &of, input)
    };
    let made = value("4929123456789015\n", &["make"]).0["value"].as_str().unwrap().to_owned();
    let right = format!("4929123456789015\n{made}\n");
    assert_eq!(value(&right, &["verify"]).0["accepted"], true);
    let wrong = format!("4929123456789015\n{:03}\n", (made.parse::<u32>().unwrap() + 1) % 1000);
    for _ in 0..5 {
        assert_eq!(value(&wrong, &["verify"]).0["status"], "card_value_mismatch");
    }
    assert_eq!(value(&right, &["verify"]).0["status"], "card_locked");
    // It is not exportable.
    assemble(&daemon, "kbpk-1", "key-transport", "aes-128", true);
    let digest = agreed(&daemon, &["key", "export", "cvk-1", "--transport", "kbpk-1"]);
    refused(&daemon, ANNA, &["keyblock", "write", &digest], "key_not_exportable");
}

/// Each record is authentic by itself, and was the newest once.
#[test]
fn a_cards_counters_put_back_or_removed_are_told() {
    let Some(mut daemon) = prepared() else { return };
    daemon.launch();
    assemble(&daemon, "imk-1", "emv-issuer-master", "tdes-2", false);
    let mut records = Vec::new();
    for _ in 0..2 {
        emv(&daemon, "imk-1", "arqc", &[]);
        daemon.stop();
        records.push(card_record(&daemon, None));
        daemon.launch();
    }
    daemon.stop();
    assert_ne!(records[0], records[1]);
    for wrong in [&records[0], &Vec::new()] {
        card_record(&daemon, Some(wrong));
        let mut child = daemon.spawn();
        let ended = loop {
            if std::os::unix::net::UnixStream::connect(daemon.path("tallyd.sock")).is_ok() {
                child.kill().unwrap();
                panic!("it serves");
            }
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert!(!ended.success());
        assert!(daemon.log().contains("not those of the newest group"), "{}", daemon.log());
    }
    card_record(&daemon, Some(&records[1]));
    daemon.launch();
    assert_eq!(emv(&daemon, "imk-1", "arqc", &[])["atc"], 3);
}

/// The one record of a card, after it was changed; none is empty.
fn card_record(daemon: &Daemon, changed: Option<&Vec<u8>>) -> Vec<u8> {
    const CARD: u8 = 6;
    let database = rusqlite::Connection::open(daemon.path("tally.db")).unwrap();
    let (key, body): (Vec<u8>, Vec<u8>) = database
        .query_row("SELECT key, body FROM record WHERE space = ?", [CARD], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap_or_default();
    let Some(changed) = changed else { return body };
    let kept = daemon.path("card-key");
    let key = if key.is_empty() { std::fs::read(&kept).unwrap() } else { key };
    std::fs::write(&kept, &key).unwrap();
    database.execute("DELETE FROM record WHERE space = ?", [CARD]).unwrap();
    if !changed.is_empty() {
        let row = rusqlite::params![CARD, key, changed];
        database.execute("INSERT INTO record (space, key, body) VALUES (?, ?, ?)", row).unwrap();
    }
    changed.clone()
}

/// A key of two components, one of Anna's and one of Ben's.
fn assemble(daemon: &Daemon, label: &str, purpose: &str, algorithm: &str, exportable: bool) {
    let checks = |text: &str| {
        use tallystick::keys::{CheckMethod, CheckValue};
        let algorithm = tallystick::crypto::KeyAlgorithm::ALL
            .into_iter()
            .find(|known| known.name() == algorithm)
            .unwrap();
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        CheckValue::of(algorithm, CheckMethod::of(algorithm), &bytes).unwrap().to_string()
    };
    let [(a, _), (b, _)] = COMPONENTS;
    let xor = |(a, b): (u8, u8)| a ^ b;
    let [left, right] = [a, b].map(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap());
    let whole: Vec<u8> = left.into_iter().zip(right).map(xor).collect();
    let kcv = checks(&data_encoding::HEXLOWER.encode(&whole));
    let mut proposal =
        vec!["key", "assemble", label, "--purpose", purpose, "--algorithm", algorithm, "--kcv", &kcv];
    proposal.extend(exportable.then_some("--exportable"));
    let digest = agreed(daemon, &proposal);
    refused(daemon, ANNA, &["import-key", &digest], "components_missing");
    for (user, component) in [(ANNA, a), (BEN, b)] {
        let kcv = checks(component);
        let given = ["give-component", &digest, "--kcv", &kcv];
        let (json, code) = told_with(daemon, user, &given, component);
        assert_eq!(code, 0, "{json}");
        let (json, _) = told_with(daemon, user, &given, component);
        assert_eq!(json["status"], "component_given", "{json}");
    }
    done(daemon, ANNA, &["import-key", &digest]);
    let (status, _) = told_with(daemon, ANNA, &["status"], "");
    let known = status["imported_keys"].as_array().unwrap().iter().any(|key| key["label"] == label);
    assert!(known, "{status}");
}

fn emv(daemon: &Daemon, key: &str, task: &str, more: &[&str]) -> Value {
    let (json, code) = emv_told(daemon, key, task, more);
    assert_eq!(code, 0, "{json}");
    json
}

fn emv_told(daemon: &Daemon, key: &str, task: &str, more: &[&str]) -> (Value, i32) {
    let data = "9f02060000000499009f03060000000000009f1a02035695050000000000\
                5f2a0203569a032611219c01009f37041a2b3c4d820219809f100706010a03a00000";
    let mut arguments = vec!["emv", task, "--key", key, "--method", "visa-cvn10", "--data", data];
    arguments.extend(more);
    told_with(daemon, 0, &arguments, "4929123456789015\n")
}
