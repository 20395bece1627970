//! A share that is not the one that was made is told and named.

use super::*;
use crate::crypto::{LoadedKey, Root, SystemRandom};

fn splitting(region: &Region, threshold: u8, count: u8) -> (LoadedKey<Root>, Splitting, Vec<Share>) {
    let key = LoadedKey::generate(region, &SystemRandom).unwrap();
    let (splitting, shares) = Splitting::of(region, &SystemRandom, &key, threshold, count).unwrap();
    (key, splitting, shares)
}

#[test]
fn the_text_comes_back_as_people_type_it() {
    let region = Region::new(16).unwrap();
    let (_, splitting, shares) = splitting(&region, 2, 3);
    for share in &shares {
        let text = share.text();
        assert_eq!(text.len(), 89);
        let typed = [
            text.to_lowercase(),
            text.replace('-', " "),
            text.replace('-', "").replace('1', "l").replace('0', "O"),
            format!("# a comment\n\n   {}   \nmore", *text),
        ];
        for typed in typed {
            let read = Share::parse(&region, &typed).unwrap();
            assert_eq!(read.value.expose(), share.value.expose());
            assert_eq!((read.number, read.threshold, read.count), (share.number, 2, 3));
            assert_eq!(splitting.check(&read), Ok(()));
        }
    }
}

#[test]
fn a_splitting_and_its_shares_have_one_name_and_another_has_another() {
    let region = Region::new(16).unwrap();
    let (_, first, shares) = splitting(&region, 2, 3);
    let (_, second, _) = splitting(&region, 2, 3);
    assert!(shares.iter().all(|share| share.splitting() == first.name()));
    assert_ne!(first.name(), second.name());
}

#[test]
fn no_mistyped_character_passes() {
    let region = Region::new(16).unwrap();
    let (_, _, shares) = splitting(&region, 2, 2);
    let text = shares[0].text();
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZU!é".chars() {
            let typed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            let same = text[at..].starts_with(other);
            assert_eq!(Share::parse(&region, &typed).is_ok(), same, "{at} {other}");
        }
        let dropped = format!("{}{}", &text[..at], &text[at + 1..]);
        assert_eq!(Share::parse(&region, &dropped).err(), Some(ShareError::Text));
    }
    for typed in ["", "#", "0", &format!("{}0", *text)] {
        assert_eq!(Share::parse(&region, typed).err(), Some(ShareError::Text));
    }
}

#[test]
fn a_wrong_share_is_named_and_loses_nothing() {
    let region = Region::new(64).unwrap();
    let (key, splitting, shares) = splitting(&region, 3, 5);
    let (_, _, others) = self::splitting(&region, 3, 5);
    let again = |share: &Share| Share::parse(&region, &share.text()).unwrap();
    let mut gathering = Gathering::new(splitting);
    gathering.give(again(&shares[4])).unwrap();
    assert_eq!(gathering.give(again(&others[1])), Err(ShareError::AnotherSplitting(2)));
    assert_eq!(gathering.give(again(&shares[4])), Err(ShareError::GivenAlready(5)));
    // Each bit of the value, under a checksum that was made to fit.
    for bit in 0..256 {
        let value = Secret32::fill_with(&region, |slot| -> Result<(), ShareError> {
            slot.copy_from_slice(shares[1].value.expose());
            slot[bit / 8] ^= 1 << (bit % 8);
            Ok(())
        });
        let forged = Share { value: value.unwrap(), ..again(&shares[1]) };
        assert_eq!(gathering.give(again(&forged)), Err(ShareError::Wrong(2)));
    }
    // The value of another of the same splitting under this number, and other counts.
    let renumbered = Share { number: 1, ..again(&shares[1]) };
    assert_eq!(gathering.give(renumbered), Err(ShareError::Wrong(1)));
    let cheaper = Share { threshold: 2, ..again(&shares[1]) };
    assert_eq!(gathering.give(cheaper), Err(ShareError::AnotherSplitting(2)));
    gathering.give(again(&shares[1])).unwrap();
    assert!(gathering.key(&region).unwrap().is_none(), "two of three");
    gathering.give(again(&shares[0])).unwrap();
    assert_eq!(gathering.given().collect::<Vec<_>>(), [5, 2, 1]);
    assert_eq!(gathering.key(&region).unwrap().unwrap().expose(), key.expose());
}

#[test]
fn impossible_numbers_are_refused() {
    let region = Region::new(64).unwrap();
    let key = LoadedKey::generate(&region, &SystemRandom).unwrap();
    for (threshold, count) in [(0, 0), (1, 1), (1, 3), (4, 3), (2, 17), (255, 255)] {
        let split = Splitting::of(&region, &SystemRandom, &key, threshold, count);
        assert_eq!(split.map(|_| ()), Err(ShareError::Numbers), "{threshold} of {count}");
    }
}

#[test]
fn a_share_is_never_shown() {
    let region = Region::new(16).unwrap();
    let (_, _, shares) = splitting(&region, 2, 3);
    assert_eq!(format!("{:?}", shares[1]), "Share(2 of 3, redacted)");
}

#[test]
fn a_share_of_impossible_numbers_is_none() {
    let region = Region::new(2).unwrap();
    let share = |head: [u8; 4]| {
        let mut content = [7; text::CONTENT];
        content[..4].copy_from_slice(&head);
        let read = Share::parse(&region, &share_text(&content));
        read.map(|share| (share.threshold(), share.count(), share.number()))
    };
    assert_eq!(share([text::FORMAT, 2, 4, 3]), Ok((2, 4, 3)));
    for bad in [
        [text::FORMAT + 1, 2, 3, 3],
        [text::FORMAT, 2, 3, 0],
        [text::FORMAT, 2, 3, 4],
        [text::FORMAT, 1, 3, 3],
        [text::FORMAT, 4, 3, 3],
        [text::FORMAT, 2, MAX_SHARES + 1, 3],
    ] {
        assert_eq!(share(bad), Err(ShareError::Text), "{bad:?}");
    }
}
