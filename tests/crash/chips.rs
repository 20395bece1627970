//! Cards of the field: cryptograms under an imported key are issued and verified while
//! the daemon is killed, and afterwards none is accepted again and no counter comes twice.

mod known;

use std::path::Path;

use crate::emv;
use tallystick::client::{Answer, Client, ClientError};
use tallystick::command::{Command, EmvCard, EmvIssue, EmvVerify, Reply};
use tallystick::crypto::{KeyAlgorithm, KeyPurpose, SystemRandom};
use tallystick::keys::tr31::Exportability;
use tallystick::keys::{CheckMethod, CheckValue, Components, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::types::emv::{Arqc, Method, Psn};
use tallystick::types::{KeyLabel, Pan};

pub use known::{Known, Seen};

const LABEL: &str = "imk";
const KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const PAN: &[u8] = b"4111111111111111";
/// Cards, by sequence number.
const CARDS: u8 = 3;
/// Of what was accepted long ago, so much is presented again after each kill.
const SAMPLE: usize = 20;

/// The cards, what is known of them, and the cryptograms that were told.
#[derive(Default)]
pub struct Chips {
    known: Known,
    told: Vec<(u8, u16, Arqc)>,
    /// Verifications that were accepted, and those refused as replayed.
    pub accepted: u64,
    pub replayed: u64,
}

/// Puts the issuer's master key into a keyring.
pub fn import(keys: &mut OpenKeyring, region: &Region) {
    let algorithm = KeyAlgorithm::Tdes2;
    let check = |bytes: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), bytes).unwrap();
    let mut components = Components::new(region, algorithm).unwrap();
    for part in [[0x55; 16], KEY.map(|byte| byte ^ 0x55)] {
        components.give(&part, check(&part)).unwrap();
    }
    let (label, purpose) = (KeyLabel::parse(LABEL).unwrap(), KeyPurpose::EmvIssuerMaster);
    keys.import_components(&SystemRandom, label, purpose, Exportability::No, &components, check(&KEY))
        .unwrap();
}

impl Chips {
    /// Issues and verifies until the daemon is gone.
    pub fn work(&mut self, socket: &Path) -> Result<(), String> {
        let Ok(mut client) = Client::connect(socket, "chips") else { return Ok(()) };
        for card in (0..CARDS).cycle() {
            let Some((atc, arqc)) = self.issue(&mut client, card)? else { break };
            // One in four is left for after the kill; some are presented twice at once.
            let times = usize::from(atc % 4).min(2);
            if !self.verify(&mut client, &vec![(card, atc, arqc); times])? {
                break;
            }
        }
        Ok(())
    }

    /// After a start: what was consumed is refused, what was perhaps is accepted once at
    /// most, what was not is accepted once, and the next counters lie above all.
    pub fn check(&mut self, socket: &Path) -> Result<(), String> {
        let mut client = Client::connect(socket, "chips").map_err(|error| error.to_string())?;
        let newest = self.told.split_off(self.told.len().saturating_sub(500));
        let long_ago = fastrand::choose_multiple(self.told.iter().copied(), SAMPLE);
        for told in [&long_ago, &newest, &newest] {
            for burst in told.chunks(32) {
                if !self.verify(&mut client, burst)? {
                    return Err("the daemon went away while it was asked about cards".to_owned());
                }
            }
        }
        self.told.extend(newest);
        for card in 0..CARDS {
            self.issue(&mut client, card)?.ok_or("the daemon went away while it was asked for a counter")?;
        }
        Ok(())
    }

    /// A cryptogram; none if no answer came.
    fn issue(
        &mut self,
        client: &mut Client<std::os::unix::net::UnixStream>,
        card: u8,
    ) -> Result<Option<(u16, Arqc)>, String> {
        match client.call(&Command::EmvIssue(Box::new(EmvIssue(asked(card, None)))), None) {
            Ok(Reply::EmvIssued(issued)) => {
                let atc = u16::try_from(issued.atc.get()).unwrap();
                self.known.see(card, Seen::Issued(atc))?;
                self.told.push((card, atc, issued.arqc));
                Ok(Some((atc, issued.arqc)))
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(ClientError::Refused(status, _)) => Err(format!("no cryptogram: {}", status.name())),
            Err(_) => Ok(None),
        }
    }

    /// Presents these at once; false if an answer is missing.
    fn verify(
        &mut self,
        client: &mut Client<std::os::unix::net::UnixStream>,
        burst: &[(u8, u16, Arqc)],
    ) -> Result<bool, String> {
        let mut is_sent = true;
        for (card, atc, arqc) in burst {
            let verify = EmvVerify { card: asked(*card, Some(*atc)), arqc: *arqc, answer: None };
            is_sent = is_sent && client.submit(&Command::EmvVerify(Box::new(verify)), None).is_ok();
        }
        is_sent = is_sent && client.flush().is_ok();
        for (card, atc, _) in burst {
            let answer = if is_sent { client.receive() } else { Err(ClientError::Closed) };
            let seen = match answer {
                Ok((_, Ok(Answer::Reply(Reply::EmvVerified(verified))))) => {
                    self.accepted += 1;
                    if verified.atc.get() != u32::from(*atc) {
                        return Err(format!("{} was accepted for {atc}", verified.atc.get()));
                    }
                    Seen::Accepted(*atc)
                }
                Ok((_, Err(ClientError::Refused(status, _)))) => {
                    self.replayed += 1;
                    Seen::Refused(*atc, status)
                }
                Ok((_, answer)) => return Err(format!("{answer:?}")),
                Err(_) => {
                    is_sent = false;
                    Seen::Unanswered(*atc)
                }
            };
            self.known.see(*card, seen)?;
        }
        Ok(is_sent)
    }
}

/// A card and its transaction, which is the same for all.
fn asked(card: u8, atc: Option<u16>) -> EmvCard {
    let data = emv::transaction(atc);
    EmvCard {
        key: KeyLabel::parse(LABEL).unwrap(),
        pan: Pan::parse(PAN).unwrap(),
        psn: Psn::parse(format!("{card:02}").as_bytes()).unwrap(),
        method: Method::parse("a-common-m2").unwrap(),
        data,
        text: None,
    }
}
