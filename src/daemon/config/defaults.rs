//! The configuration that `tally init` writes.

/// A configuration in which the user `uid` may do everything, with one token
/// BIN range for each network.
#[must_use]
pub fn default_text(uid: u32) -> String {
    TEMPLATE.replace("@UID@", &uid.to_string())
}

const TEMPLATE: &str = r#"# Tallystick. Every field but `bin_controller` may be left out; limits not
# written here have the defaults that docs/OPERATIONS.md lists.

# Begins every PAR that we derive: 4 characters of 0-9 and A-Z.
bin_controller = "TLY1"

[cryptogram]
# A cryptogram older than this many slots of ten minutes is refused.
max_age_slots = 144

# Leading digits of the token numbers for the cards of each network.
[[token_range]]
network = "visa"
prefix = "489537"

[[token_range]]
network = "mastercard"
prefix = "520424"

[[token_range]]
network = "amex"
prefix = "371449"

[[token_range]]
network = "rupay"
prefix = "608123"

[[token_range]]
network = "diners"
prefix = "361234"

[[token_range]]
network = "discover"
prefix = "601174"

[[token_range]]
network = "jcb"
prefix = "353012"

[[token_range]]
network = "unionpay"
prefix = "623012"

[[token_range]]
network = "maestro"
prefix = "675912"

[[token_range]]
network = "other"
prefix = "990012"

# Who may do what. The kernel tells the peer's uid and gid; the first entry
# that matches names the caller. Roles: provisioner, issuer, verifier,
# detokenizer, auditor, admin. `trids` limits a caller to some requestors,
# `requests_per_second` how often it may ask, `executable_sha256` what it must run.
[[peer]]
name = "owner"
uid = @UID@
roles = ["provisioner", "issuer", "verifier", "detokenizer", "auditor", "admin"]

# [[peer]]
# name = "vault"
# uid = 1001
# roles = ["provisioner", "issuer"]
# trids = ["40010000001"]
"#;
