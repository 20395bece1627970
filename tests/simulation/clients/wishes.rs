//! Ideas become wishes, of what the market has.

use std::rc::Rc;

use tallystick::types::{DeactivationReason, StatusEvent, TokenNumber, Trid};

use super::act::Idea;
use super::{Coin, Held, TRIDS, trid};
use crate::field::{Chip, value};
use crate::model::short_digits;
use crate::wish::{Card, Payer, Payment, Request, Rules, Wish};
use crate::world::World;

const MERCHANTS: [&str; 3] = ["m_1", "m_2", "a much longer name of a merchant"];
const PROVIDERS: [&str; 10] = ["visa", "rupay", "amex", "bank", "wallet", "a", "b", "c", "d", "e"];
const CARDS: usize = 60;
/// Cards with chips, and cards whose verification values are told: few, so that some are
/// locked.
const CHIPS: usize = 6;
const VALUED: usize = 8;

impl World {
    /// What an idea comes to, if there is anything to do it with.
    pub fn wish(&mut self, client: usize, idea: Idea) -> Option<Wish> {
        Some(match idea {
            Idea::Save => Wish::Provision(self.card(client)),
            Idea::Suspend => self.change(client, StatusEvent::Suspend)?,
            Idea::Resume => self.change(client, StatusEvent::Resume)?,
            Idea::Deactivate => {
                let reason = *self.whim.pick(&DeactivationReason::ALL);
                self.change(client, StatusEvent::Deactivate(reason))?
            }
            Idea::Renew => {
                let expiry = self.expiry();
                let held = self.token_of(client)?;
                // Mostly the expiry it has, so that cryptograms stay good.
                let expiry = if self.whim.chance(800) { held.expiry } else { expiry };
                Wish::Renew { token: held.token, expiry }
            }
            Idea::LinkPar => {
                Wish::LinkPar { card: self.whim.below(CARDS), predecessor: self.token_of(client)?.token }
            }
            Idea::Show => Wish::Show(self.number(client)?),
            Idea::List => {
                let after = self.whim.chance(600).then(|| self.whim.between(0, 300) as u32);
                Wish::List { trid: self.trid_of(client), after, limit: self.whim.between(1, 30) as u8 }
            }
            Idea::AskOfCard if self.whim.chance(500) => Wish::Par(self.whim.below(CARDS)),
            Idea::AskOfCard => Wish::Fingerprint(self.whim.below(CARDS)),
            Idea::Detokenize => Wish::Detokenize(self.number(client)?),
            Idea::Issue => {
                let held = self.token_of(client)?;
                let payment = self.payment(&held);
                Wish::Issue(self.payer(&held), payment)
            }
            Idea::IssueShort => {
                let held = self.token_of(client)?;
                Wish::IssueShort(self.payer(&held), held.short_payment())
            }
            Idea::Pay | Idea::PayTwice | Idea::Replay | Idea::Tamper | Idea::Mismatch => {
                let coin = self.coin(idea)?;
                self.present(&coin, idea)?
            }
            Idea::PayShort | Idea::Guess => self.present_short(idea)?,
            Idea::ClearLock => Wish::ClearShortLock(self.number(client)?),
            Idea::Reseal => {
                let after = self.whim.chance(700).then(|| self.whim.between(0, 300) as u32);
                Wish::Reseal { after, limit: self.whim.between(1, 40) as u8 }
            }
            // Most peers may not ask about cards, and seldom try.
            _ if !self.clients[client].is_of_field() && !self.whim.chance(50) => return None,
            Idea::EmvIssue => Wish::EmvIssue(self.chip(false)),
            Idea::EmvPay | Idea::EmvTamper => self.present_arqc(idea)?,
            Idea::EmvAnswer => {
                let idea = if self.whim.chance(300) { Idea::EmvTamper } else { Idea::EmvPay };
                let Wish::EmvVerify(chip, atc, arqc) = self.present_arqc(idea)? else { return None };
                Wish::EmvArpc(chip, atc, arqc)
            }
            Idea::ChipPay => self.chip_pays(),
            Idea::TellValue => {
                let card = self.whim.below(VALUED);
                let guess = format!("{:03}", self.whim.between(0, 999)).into_bytes();
                let digits = if self.whim.chance(400) { guess.try_into().unwrap() } else { value(card) };
                Wish::VerifyValue(card, digits)
            }
        })
    }

    /// A card of the field; seldom one of the other sort.
    fn chip(&mut self, counts_by_itself: bool) -> Chip {
        let counts = counts_by_itself != self.whim.chance(30);
        let psn = self.whim.between(0, 1) as u8;
        let psn = if counts { Chip::COUNTS + psn } else { psn };
        Chip { card: self.whim.below(CHIPS), psn }
    }

    /// A cryptogram of a card, mostly a newer one, and spent perhaps.
    fn present_arqc(&mut self, idea: Idea) -> Option<Wish> {
        let all = self.market.arqcs.len();
        if all == 0 {
            return None;
        }
        let newest = if self.whim.chance(900) { all.min(30) } else { all };
        let (mut chip, mut atc, mut arqc) = self.market.arqcs[all - 1 - self.whim.below(newest)];
        if idea == Idea::EmvPay && self.whim.chance(20) {
            // Right, as whoever has the issuer's key could make it, and never issued.
            atc += 1000;
            arqc = chip.arqc(atc);
        } else if idea == Idea::EmvTamper && self.whim.chance(500) {
            // Of another card than this one, which is attacked.
            chip = Chip { card: 0, psn: 0 };
        } else if idea == Idea::EmvTamper {
            let bit = self.whim.below(64);
            arqc[bit / 8] ^= 1 << (bit % 8);
        }
        Some(Wish::EmvVerify(chip, atc, arqc))
    }

    /// A chip makes a cryptogram under a counter of its own.
    fn chip_pays(&mut self) -> Wish {
        let chip = self.chip(true);
        let counter = self.market.chips.entry(chip).or_insert(0);
        *counter += if self.whim.chance(20) { 70 } else { 1 };
        let atc = *counter;
        let arqc = chip.arqc(atc);
        self.market.arqcs.push((chip, atc, arqc));
        Wish::EmvVerify(chip, atc, arqc)
    }

    fn trid_of(&mut self, client: usize) -> Trid {
        match &self.clients[client].peer.trids {
            Some(own) if !self.whim.chance(20) => *self.whim.pick(own),
            _ => trid(self.whim.between(1, TRIDS)),
        }
    }

    /// A token that the client has to do with; some are used much more than others.
    fn token_of(&mut self, client: usize) -> Option<Held> {
        let (all, lively) = (self.market.tokens.len(), self.market.lively_count());
        for _ in 0..8 {
            let held = match self.whim.between(0, 99) {
                0..60 if lively > 0 => self.market.lively(self.whim.below(lively.min(12))),
                60..95 if lively > 0 => self.market.lively(self.whim.below(lively)),
                _ if all > 0 => &self.market.tokens[self.whim.below(all)],
                _ => return None,
            };
            let own = self.clients[client].peer.trids.as_ref().is_none_or(|own| own.contains(&held.trid));
            if own || self.whim.chance(20) {
                return Some(held.clone());
            }
        }
        None
    }

    /// A token number; now and then one that no token has.
    fn number(&mut self, client: usize) -> Option<TokenNumber> {
        if self.whim.chance(20) {
            return TokenNumber::from_parts(9_000_000_000_000_000 + self.whim.between(0, 999), 16).ok();
        }
        self.token_of(client).map(|held| held.token)
    }

    fn expiry(&mut self) -> u16 {
        let far = 4900 + self.whim.between(1, 12) as u16;
        if self.whim.chance(150) { 2700 + self.whim.between(1, 12) as u16 } else { far }
    }

    fn card(&mut self, client: usize) -> Card {
        let whim = &mut self.whim;
        let demands = if whim.chance(150) { *whim.pick(&[1, 2, 4, 8, 3]) } else { 0 };
        let rules = Rules {
            merchant: whim.chance(150).then(|| *whim.pick(&MERCHANTS)),
            channels: if whim.chance(150) { whim.between(1, 15) as u8 } else { 15 },
            demands,
        };
        let providers = whim.chance(300).then(|| {
            let from = whim.below(PROVIDERS.len() - 3);
            PROVIDERS[from..from + whim.below(4)].to_vec()
        });
        let card = whim.below(CARDS);
        let par = whim.chance(60).then(|| format!("par-of-a-network-{}", whim.below(4)));
        Card { card, expiry: self.expiry(), trid: self.trid_of(client), rules, providers, par }
    }

    fn change(&mut self, client: usize, event: StatusEvent) -> Option<Wish> {
        let may = |trid: Trid| self.clients[client].peer.trids.as_ref().is_none_or(|own| own.contains(&trid));
        let suspended = self.market.suspended.iter().find(|held| may(held.trid)).map(|held| held.token);
        let token = match suspended.filter(|_| event == StatusEvent::Resume && self.whim.chance(800)) {
            Some(token) => token,
            None => self.number(client)?,
        };
        let provider = self.whim.chance(400).then(|| *self.whim.pick(&PROVIDERS));
        Some(Wish::Change { token, provider, event })
    }

    fn payer(&mut self, held: &Held) -> Payer {
        let trid = if self.whim.chance(10) { trid(self.whim.between(1, TRIDS)) } else { held.trid };
        Payer { token: held.token, trid, expiry: held.expiry }
    }

    /// A payment, mostly one that the token's rules allow.
    fn payment(&mut self, held: &Held) -> Payment {
        let whim = &mut self.whim;
        let fits = !whim.chance(40);
        let demands = |bit| fits && held.rules.demands & bit != 0;
        let merchant = *whim.pick(&MERCHANTS);
        Payment {
            units: (demands(1) || whim.chance(700)).then(|| whim.between(0, 100_000)),
            merchant: (demands(2) || whim.chance(400))
                .then(|| held.rules.merchant.filter(|_| fits).unwrap_or(merchant)),
            unpredictable: (demands(4) || whim.chance(300))
                .then(|| whim.between(1, 1 << 31).to_be_bytes()[4..].try_into().unwrap()),
            merchant_initiated: demands(8) || whim.chance(100),
            channel: if fits { held.short_payment().channel } else { whim.between(0, 3) as u8 },
        }
    }

    /// A cryptogram: for paying mostly one of the newest, else one that was spent
    /// or lies about.
    fn coin(&mut self, idea: Idea) -> Option<Coin> {
        let list = if idea == Idea::Replay { &self.market.spent } else { &self.market.coins };
        if list.is_empty() {
            return None;
        }
        let newest = list.len().min(60);
        let at = if self.whim.chance(750) {
            list.len() - 1 - self.whim.below(newest)
        } else {
            self.whim.below(list.len())
        };
        Some(list[at].clone())
    }

    /// The payment and payer with which a cryptogram is good.
    fn good(&self, coin: &Coin) -> Option<(Payer, Payment)> {
        let held = self.market.held(coin.token)?;
        let merchant = coin.payment.merchant.or(held.rules.merchant);
        let payer = Payer { token: coin.token, trid: held.trid, expiry: coin.expiry };
        Some((payer, Payment { merchant, ..coin.payment }))
    }

    /// A good payment with a cryptogram.
    pub fn payment_with(&mut self, client: usize, coin: &Coin) -> Rc<Request> {
        let (payer, payment) = self.good(coin).expect("who has a cryptogram knows its token");
        self.request(client, Wish::Verify(payer, payment, coin.cryptogram), None)
    }

    fn present(&mut self, coin: &Coin, idea: Idea) -> Option<Wish> {
        let (mut payer, mut payment) = self.good(coin)?;
        let (mut cryptogram, whim) = (coin.cryptogram, &mut self.whim);
        if idea == Idea::Tamper {
            let bit = if whim.chance(500) { whim.below(160) } else { whim.below(64) };
            cryptogram[bit / 8] ^= 1 << (bit % 8);
        }
        if idea == Idea::Mismatch {
            match whim.below(8) {
                0 => payment.units = Some(payment.units.unwrap_or(0) + 1),
                1 => payment.units = None,
                2 => payment.merchant = Some(*whim.pick(&MERCHANTS)),
                3 => payment.unpredictable = Some([9, 9, 9, 9]),
                4 => payment.merchant_initiated = !payment.merchant_initiated,
                5 => payer.expiry = 4800 + whim.between(1, 12) as u16,
                6 => payer.trid = trid(whim.between(1, TRIDS)),
                _ => payer.token = whim.pick(&self.market.tokens).token,
            }
        }
        Some(Wish::Verify(payer, payment, cryptogram))
    }

    fn present_short(&mut self, idea: Idea) -> Option<Wish> {
        if self.market.shorts.is_empty() {
            return None;
        }
        let newest = self.market.shorts.len().min(30);
        let at = self.market.shorts.len() - 1 - self.whim.below(newest);
        let (token, expiry, value) = self.market.shorts[at].clone();
        let held = self.market.held(token)?.clone();
        let (guess, digits) = (self.whim.between(0, 999), short_digits(token));
        let value = if idea == Idea::Guess { format!("{guess:0digits$}") } else { value };
        Some(Wish::VerifyShort(Payer { token, trid: held.trid, expiry }, held.short_payment(), value))
    }
}
