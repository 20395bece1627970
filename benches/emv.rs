//! EMV cryptograms verified a second of one core's time, in process, beside OpenSSL's own block ciphers
//! and `pyemv`. Prints the table of `docs/PERFORMANCE.md`:
//!
//!     cargo bench --bench emv
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "../tests/interop/python.rs"]
mod python;

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use tallystick::crypto::{KeyAlgorithm, LoadedCipher};
use tallystick::cryptogram::emv::{
    AcMac, Card, IccOption, Input, IssuerMaster, Method, Profile, Scheme, Session,
};
use tallystick::secmem::Region;
use tallystick::types::Pan;
use tallystick::types::emv::{Arqc, Atc, EmvData, Psn};

/// A transaction whose cryptogram covers 40 bytes: 33 of the terminal's and card's, 7 of
/// the issuer's.
const DATA: &[u8] = b"\x9f\x02\x06\0\0\0\x01\x23\x45\x9f\x03\x06\0\0\0\0\0\0\x9f\x1a\x02\x03\x56\x95\x05\x80\0\x04\x80\0\
    \x5f\x2a\x02\x03\x56\x9a\x03\x26\x11\x21\x9c\x01\0\x9f\x37\x04\xde\xad\xbe\xef\x82\x02\x18\0\x9f\x36\x02\x01\x07\
    \x9f\x10\x07\x06\x01\x12\x03\xa0\xb8\0";
const KEY: [u8; 32] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10\
    \x89\xab\xcd\xef\x01\x23\x45\x67\x76\x54\x32\x10\xfe\xdc\xba\x98";

/// What a verification computes, in blocks: of triple DES five (two a key, and the last
/// of the MAC) and of DES five, each a third.
const TDES_BLOCKS: f64 = 5.0 + 5.0 / 3.0;
/// Of AES-128 six: one a key, three of the text, one for CMAC's subkey. Longer keys are
/// two blocks each.
const AES_BLOCKS: [(KeyAlgorithm, f64, &str, &str); 3] = [
    (KeyAlgorithm::Aes128, 6.0, "AES-128", "aes-128-cbc"),
    (KeyAlgorithm::Aes192, 8.0, "AES-192", "aes-192-cbc"),
    (KeyAlgorithm::Aes256, 8.0, "AES-256", "aes-256-cbc"),
];

const TURNS: usize = 5;

fn main() {
    println!(
        "| ARQC verified | a second | OpenSSL's blocks of the cipher a second | ratio | bar | `pyemv` |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let rate = tdes();
    let pyemv = pyemv();
    let python =
        pyemv.map_or("not measured".to_owned(), |theirs| format!("{theirs:.0} ({:.0} x)", rate / theirs));
    row("TDES, Visa CVN 18", rate, TDES_BLOCKS, "des-ede-cbc", 8.0, Some(150_000.0), &python);
    for (algorithm, blocks, name, cipher) in AES_BLOCKS {
        row(name, aes(algorithm), blocks, cipher, 16.0, Some(1_000_000.0), "has none");
    }
}

fn row(name: &str, rate: f64, blocks: f64, cipher: &str, block: f64, bar: Option<f64>, python: &str) {
    let floor = openssl(cipher, block);
    let (theirs, ratio) = floor.map_or(("not measured".to_owned(), String::new()), |floor| {
        (format!("{floor:.0} / {blocks:.1} = {:.0}", floor / blocks), format!("{:.2}", rate * blocks / floor))
    });
    let bar = bar.map_or(String::new(), |bar| {
        format!("at least {bar:.0}: {}", if rate >= bar { "reached" } else { "**not reached**" })
    });
    println!("| {name} | {rate:.0} | {theirs} | {ratio} | {bar} | {python} |");
}

fn tdes() -> f64 {
    let region = Region::new(LoadedCipher::MOST_SLOTS).unwrap();
    let key = LoadedCipher::load(&region, KeyAlgorithm::Tdes2, &KEY[..16]).unwrap();
    let data = EmvData::parse(DATA).unwrap();
    let input = Input::Tags { data: &data, results: None, counters: None };
    verifies(IssuerMaster::from(&key), Method::Profile(Profile::VisaCvn18), &input)
}

fn aes(algorithm: KeyAlgorithm) -> f64 {
    let region = Region::new(LoadedCipher::MOST_SLOTS).unwrap();
    let key = LoadedCipher::load(&region, algorithm, &KEY[..algorithm.key_len()]).unwrap();
    let scheme = Scheme { icc: IccOption::C, session: Session::Common, mac: AcMac::AesCmac };
    let input = Input::Ordered { atc: Atc::new(0x0107), unpredictable: None, text: &DATA[..40] };
    verifies(IssuerMaster::from(&key), Method::Scheme(scheme), &input)
}

/// Right and wrong cryptograms in turns, a second.
fn verifies(issuer: IssuerMaster<'_>, method: Method, input: &Input<'_>) -> f64 {
    let pan = Pan::parse(b"4111111111111111").unwrap();
    let card = Card { pan: &pan, psn: Psn::NONE };
    let right = method.arqc(issuer, card, input).unwrap();
    let wrong = Arqc::from_bytes(right.as_bytes().map(|byte| !byte));
    median(|| {
        for (arqc, expected) in [(&right, true), (&wrong, false)] {
            let verdict = method.verify(black_box(issuer), black_box(card), black_box(input), arqc);
            assert_eq!(verdict, Ok(expected));
        }
        2.0
    })
}

/// The median rate of some turns of half a second, after one that is not counted.
fn median(mut work: impl FnMut() -> f64) -> f64 {
    let mut rates: Vec<f64> = (0..=TURNS)
        .map(|_| {
            let (begun, mut done) = (processor_time(), 0.0);
            while processor_time() - begun < Duration::from_millis(500) {
                done += (0..100).map(|_| work()).sum::<f64>();
            }
            done / (processor_time() - begun).as_secs_f64()
        })
        .skip(1)
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[TURNS / 2]
}

/// What this thread had of a core: as `openssl speed` counts, and whatever else runs.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Blocks a second by `openssl speed`, in texts of 8 KiB; none if there is no OpenSSL or
/// it has no such cipher.
fn openssl(cipher: &str, block: f64) -> Option<f64> {
    let arguments = ["speed", "-mr", "-seconds", "2", "-bytes", "8192", "-evp", cipher];
    let output = Command::new("openssl").args(arguments).output().ok()?;
    let told = String::from_utf8(output.stdout).ok()?;
    // `+F:22:DES-EDE-CBC:26083328.00`: bytes a second.
    let line = told.lines().find(|line| line.starts_with("+F:"))?;
    line.rsplit(':').next()?.trim().parse::<f64>().ok().map(|bytes| bytes / block)
}

/// The same profile by `pyemv`, a second; none without Python.
fn pyemv() -> Option<f64> {
    const SCRIPT: &str = "
import time
from pyemv.cvn import VisaCVN18
key = bytes.fromhex('0123456789abcdeffedcba9876543210')
tags = dict(tag_9f02=bytes(6), tag_9f03=bytes(6), tag_9f1a=bytes(2), tag_95=bytes(5), tag_5f2a=bytes(2),
            tag_9a=bytes(3), tag_9c=bytes(1), tag_9f37=bytes(4), tag_82=bytes(2), tag_9f36=bytes(2), tag_9f10=bytes(7))
# It derives three keys of a card where one is needed: the other two are left out of the count.
from pyemv import kd
begun, done = time.process_time(), 0
card = VisaCVN18(key, key, key, '4111111111111111', '00')
while time.process_time() - begun < 2:
    card.icc_mk_ac = kd.derive_icc_mk_b(key, '4111111111111111', '00')
    card.generate_ac(**tags)
    done += 1
print(done / (time.process_time() - begun))
";
    let python = std::panic::catch_unwind(python::python).ok()??;
    let output = Command::new(python).args(["-W", "ignore", "-c", SCRIPT]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
