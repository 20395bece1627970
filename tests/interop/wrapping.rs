//! Key blocks that we wrap, unwrapped by `psec`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use fastrand::Rng;
use tallystick::crypto::{KeyAlgorithm, SystemRandom};
use tallystick::keys::tr31::{
    Algorithm, BlockVersion, Exportability, Header, KeyContext, KeyUsage, KeyVersionNumber, ModeOfUse,
    OptionalBlock, OptionalBlocks, ProtectionKey,
};

use crate::python;

const CASES: usize = 600;

/// What `psec` must say of a block: key, fields, optional blocks.
type Said = (String, [String; 6], BTreeMap<String, String>);

#[test]
fn psec_opens_what_we_wrap() {
    let Some(python) = python::python() else { return };
    let seed = std::env::var("TALLYSTICK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let cases: Vec<(String, Said)> = (0..CASES).map(|_| case(&mut random)).collect();
    let input: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    let told = unwrapped(&python, input);
    assert_eq!(told.len(), CASES);
    for ((line, expected), told) in cases.iter().zip(&told) {
        assert_eq!(told, expected, "seed {seed}: {line}");
    }
}

fn unwrapped(python: &Path, input: String) -> Vec<Said> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/unwrap.py");
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-B"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It answers while it reads: both pipes may fill up.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn bytes(random: &mut Rng, length: usize) -> Vec<u8> {
    (0..length).map(|_| random.u8(..)).collect()
}

fn picked<T: Copy>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(..from.len())]
}

/// A block under its key, as a line, and what must be said of it.
fn case(random: &mut Rng) -> (String, Said) {
    let protection = picked(random, &KeyAlgorithm::ALL);
    let is_tdes = matches!(protection, KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3);
    let secret = bytes(random, protection.key_len());
    let protection = ProtectionKey::new(protection, &secret).unwrap();
    let algorithm = picked(random, &[Algorithm::Tdes, Algorithm::Aes, Algorithm::Hmac]);
    let length = match algorithm {
        Algorithm::Tdes => picked(random, &[16, 24]),
        Algorithm::Aes => picked(random, &[16, 24, 32]),
        _ => random.usize(1..70),
    };
    let key = bytes(random, length);
    let mut optional = OptionalBlocks::default();
    let mut content = BTreeMap::new();
    for _ in 0..picked(random, &[0, 0, 1, 2, 5]) {
        let id = [picked(random, b"ABCDKLTW"), random.u8(b'A'..=b'Z')];
        let length = picked(random, &[0, 1, 6, 20, 251, 252, 400]);
        let data: Vec<u8> = (0..length).map(|_| random.u8(b' '..=b'~')).collect();
        if optional.push(OptionalBlock::new(id, &data).unwrap()).is_ok() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            content.insert(text(&id), text(&data));
        }
    }
    let header = Header {
        version: if is_tdes { BlockVersion::B } else { BlockVersion::D },
        usage: KeyUsage::parse(*picked(random, &[b"C0", b"E0", b"K0", b"K1", b"M7"])).unwrap(),
        algorithm,
        mode: ModeOfUse::parse(picked(random, b"BCDEGNVXY")).unwrap(),
        key_version: KeyVersionNumber::parse(*picked(random, &[b"00", b"07", b"Zz"])).unwrap(),
        exportability: Exportability::parse(picked(random, b"ENS")).unwrap(),
        context: KeyContext::Any,
        optional,
    };
    let block = header.wrap(protection, &SystemRandom, &key).unwrap();
    let fields = [
        header.version.letter().to_string(),
        header.usage.to_string(),
        header.algorithm.letter().to_string(),
        header.mode.letter().to_string(),
        header.key_version.to_string(),
        header.exportability.letter().to_string(),
    ];
    let line = format!("{} {block}", HEXLOWER.encode(&secret));
    (line, (HEXLOWER.encode(&key), fields, content))
}
