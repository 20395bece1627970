//! How cards make cryptograms: by networks' profiles, or by a scheme in EMV's terms.

use std::fmt;

use super::UnknownMethod;

/// A network's cryptogram version number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Visa, 10 (`0A`): option A, no session key, padding method 1.
    VisaCvn10,
    /// Visa, 18 (`12`): option B, common session key.
    VisaCvn18,
    /// Visa, 22 (`16`): as 18.
    VisaCvn22,
    /// Mastercard, 16 (`10`): option A, session key with the unpredictable number.
    MastercardCvn16,
    /// Mastercard, 17 (`11`): as 16, and covers the counters.
    MastercardCvn17,
    /// Mastercard, 20 (`14`): option A, common session key.
    MastercardCvn20,
    /// Mastercard, 21 (`15`): as 20, and covers the counters.
    MastercardCvn21,
}

/// How a card's master key is derived from the issuer's (EMV Book 2, Annex A1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IccOption {
    /// Triple DES over the last 16 digits (A1.4.1).
    A,
    /// As A for PANs of up to 16 digits, else with SHA-1 over all of them (A1.4.2).
    B,
    /// AES (A1.4.3).
    C,
}

/// How a session's key is derived from a card's (EMV Book 2, Annex A1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Session {
    /// Not at all: it is the card's.
    None,
    /// The common derivation from the counter (A1.3.1).
    Common,
    /// The same from the counter and the unpredictable number, which Mastercard's older
    /// profiles have. Triple DES only.
    CommonWithUnpredictable,
    /// The tree of EMV2000 (EMV 4.0 Book 2, Annex A1.3). Triple DES only.
    Tree(TreeShape),
}

/// The shape of a tree of session keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeShape {
    height: u8,
    branches: u8,
}

/// The MAC that a cryptogram is (EMV Book 2, section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcMac {
    /// ISO/IEC 9797-1, MAC algorithm 3 with DES (Annex A1.2.1), padding method 1: Visa's
    /// oldest profile.
    Method1,
    /// The same with padding method 2: EMV's.
    Method2,
    /// The first 8 bytes of AES-CMAC (A1.2.2).
    AesCmac,
}

/// How a card makes cryptograms, where no [`Profile`] says it: so AES cards can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scheme {
    /// From the issuer's key to the card's.
    pub icc: IccOption,
    /// From the card's key to the session's.
    pub session: Session,
    /// From the session's key and the data to the cryptogram.
    pub mac: AcMac,
}

/// How a card makes cryptograms.
///
/// A profile's name is as `visa-cvn18`; a scheme's has three parts, as `c-common-cmac`:
/// `a`, `b` or `c`; `none`, `common`, `random` or a tree's height and branches as
/// `tree8x4`; `m1`, `m2` or `cmac`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// As a network's profile says.
    Profile(Profile),
    /// As is said here.
    Scheme(Scheme),
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 7] = [
        Self::VisaCvn10,
        Self::VisaCvn18,
        Self::VisaCvn22,
        Self::MastercardCvn16,
        Self::MastercardCvn17,
        Self::MastercardCvn20,
        Self::MastercardCvn21,
    ];

    /// The name shown and given.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VisaCvn10 => "visa-cvn10",
            Self::VisaCvn18 => "visa-cvn18",
            Self::VisaCvn22 => "visa-cvn22",
            Self::MastercardCvn16 => "mastercard-cvn16",
            Self::MastercardCvn17 => "mastercard-cvn17",
            Self::MastercardCvn20 => "mastercard-cvn20",
            Self::MastercardCvn21 => "mastercard-cvn21",
        }
    }

    /// The cryptogram version number, as it stands in issuer application data.
    #[must_use]
    pub const fn cvn(self) -> u8 {
        match self {
            Self::VisaCvn10 => 10,
            Self::VisaCvn18 => 18,
            Self::VisaCvn22 => 22,
            Self::MastercardCvn16 => 16,
            Self::MastercardCvn17 => 17,
            Self::MastercardCvn20 => 20,
            Self::MastercardCvn21 => 21,
        }
    }

    /// What it is made of.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        let (icc, session) = match self {
            Self::VisaCvn10 => (IccOption::A, Session::None),
            Self::VisaCvn18 | Self::VisaCvn22 => (IccOption::B, Session::Common),
            Self::MastercardCvn16 | Self::MastercardCvn17 => (IccOption::A, Session::CommonWithUnpredictable),
            Self::MastercardCvn20 | Self::MastercardCvn21 => (IccOption::A, Session::Common),
        };
        let mac = if matches!(self, Self::VisaCvn10) { AcMac::Method1 } else { AcMac::Method2 };
        Scheme { icc, session, mac }
    }
}

impl TreeShape {
    /// A tree of `height` levels, at most 32, in which each key has `branches` below it;
    /// none if it has fewer than 65,535 leaves.
    #[must_use]
    pub fn new(height: u8, branches: u8) -> Option<Self> {
        let shape = Self { height, branches };
        (height <= 32 && shape.leaves(height) >= u64::from(u16::MAX)).then_some(shape)
    }

    /// Levels.
    #[must_use]
    pub const fn height(self) -> u8 {
        self.height
    }

    /// Keys below each key.
    #[must_use]
    pub const fn branches(self) -> u8 {
        self.branches
    }

    /// How many keys are `levels` below one.
    #[must_use]
    pub fn leaves(self, levels: u8) -> u64 {
        u64::from(self.branches).saturating_pow(levels.into())
    }
}

impl Method {
    /// What it is made of.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Profile(profile) => profile.scheme(),
            Self::Scheme(scheme) => scheme,
        }
    }

    /// The method of this name.
    ///
    /// # Errors
    /// [`UnknownMethod`].
    pub fn parse(name: &str) -> Result<Self, UnknownMethod> {
        let profile = Profile::ALL.into_iter().find(|profile| profile.name() == name);
        profile.map(Self::Profile).or_else(|| scheme(name).map(Self::Scheme)).ok_or(UnknownMethod)
    }
}

fn scheme(name: &str) -> Option<Scheme> {
    let (icc, rest) = name.split_once('-')?;
    let (session, mac) = rest.split_once('-')?;
    Some(Scheme {
        icc: match icc {
            "a" => IccOption::A,
            "b" => IccOption::B,
            "c" => IccOption::C,
            _ => return None,
        },
        session: match session {
            "none" => Session::None,
            "common" => Session::Common,
            "random" => Session::CommonWithUnpredictable,
            _ => {
                let (height, branches) = session.strip_prefix("tree")?.split_once('x')?;
                Session::Tree(TreeShape::new(number(height)?, number(branches)?)?)
            }
        },
        mac: match mac {
            "m1" => AcMac::Method1,
            "m2" => AcMac::Method2,
            "cmac" => AcMac::AesCmac,
            _ => return None,
        },
    })
}

/// A number as it is written, without sign or zeros before it.
fn number(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number: &u8| number.to_string() == text)
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scheme { icc, session, mac } = match self {
            Self::Profile(profile) => return f.write_str(profile.name()),
            Self::Scheme(scheme) => scheme,
        };
        f.write_str(match icc {
            IccOption::A => "a-",
            IccOption::B => "b-",
            IccOption::C => "c-",
        })?;
        match session {
            Session::None => f.write_str("none-")?,
            Session::Common => f.write_str("common-")?,
            Session::CommonWithUnpredictable => f.write_str("random-")?,
            Session::Tree(TreeShape { height, branches }) => write!(f, "tree{height}x{branches}-")?,
        }
        f.write_str(match mac {
            AcMac::Method1 => "m1",
            AcMac::Method2 => "m2",
            AcMac::AesCmac => "cmac",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_name_and_no_other_has() {
        let sessions = [Session::None, Session::Common, Session::CommonWithUnpredictable];
        let tree = Session::Tree(TreeShape::new(8, 4).unwrap());
        let mut methods: Vec<Method> = Profile::ALL.into_iter().map(Method::Profile).collect();
        for icc in [IccOption::A, IccOption::B, IccOption::C] {
            for session in sessions.into_iter().chain([tree]) {
                for mac in [AcMac::Method1, AcMac::Method2, AcMac::AesCmac] {
                    methods.push(Method::Scheme(Scheme { icc, session, mac }));
                }
            }
        }
        for method in methods {
            assert_eq!(Method::parse(&method.to_string()), Ok(method), "{method}");
        }
        for name in
            ["", "visa-cvn11", "a-common", "d-common-m2", "a-tree08x4-m2", "a-tree2x2-m2", "a-common-m2 "]
        {
            assert_eq!(Method::parse(name), Err(UnknownMethod), "{name}");
        }
    }

    #[test]
    fn a_tree_has_a_leaf_for_every_counter() {
        assert!(TreeShape::new(8, 4).is_some() && TreeShape::new(16, 2).is_some());
        assert!(TreeShape::new(15, 2).is_none() && TreeShape::new(33, 2).is_none());
        assert!(TreeShape::new(32, 1).is_none() && TreeShape::new(0, 0).is_none());
    }
}
