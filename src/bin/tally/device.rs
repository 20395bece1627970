//! `tally device`: a PKCS#11 token opens the keyring. The vendor's library runs in
//! `tally-pkcs11`, a process of its own.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde_json::json;
use tallystick::crypto::{LoadedKey, Random, Root, SystemRandom};
use tallystick::keys::Provider;
use tallystick::secmem::{Region, harden};
use zeroize::Zeroizing;

use crate::arguments::{Device, Enclose};
use crate::keys_at_rest::{self, Secret};
use crate::output::{Failure, Output};
use crate::show::{key_json, key_line};

/// Slots of locked memory: every key one at a time, and shares.
const SLOTS: usize = 64;
/// Most bytes that the helper may say.
const MOST: usize = 4096;

/// Has a token open the keyring, and nothing else any more.
pub fn run(arguments: &Enclose, output: &Output) -> Result<(), Failure> {
    harden()?;
    let dir = arguments.dir.dir.as_path();
    let _alone = keys_at_rest::alone(dir)?;
    let region = Region::new(SLOTS)?;
    let (mut keyring, _) = keys_at_rest::open(dir, &region, &arguments.opener, None)?;
    let mut key = Zeroizing::new([0; 32]);
    SystemRandom.fill(key.as_mut_slice())?;
    let wrapped = helper(&arguments.to, "wrap", key.as_slice())?.to_vec();
    let wrapping = LoadedKey::<Root>::from_bytes(&region, &key)?;
    keyring.enclose_by_device(&SystemRandom, &wrapping, wrapped)?;
    // It is tried with what the token says.
    let Provider::Device(wrapped) = keyring.provider() else { return Err(Failure::new("no device")) };
    let secret = Secret::WrappingKey(unwrap(&arguments.to, wrapped, &region)?);
    let keys = keys_at_rest::replace(dir, &keyring, &region, &secret)?;
    output.item(
        || json!({"ok": true, "provider": "device", "keys": keys.iter().map(key_json).collect::<Vec<_>>()}),
        || {
            let mut lines: Vec<_> = keys.iter().map(key_line).collect();
            lines.push(
                "The token opens the keyring, and nothing else does. Copies made before still open\n\
                 as they did: replace them."
                    .to_owned(),
            );
            Some(lines.join("\n"))
        },
    );
    Ok(())
}

/// The wrapping key that a token unwraps, in locked memory.
pub fn unwrap(device: &Device, wrapped: &[u8], region: &Region) -> Result<LoadedKey<Root>, Failure> {
    Ok(LoadedKey::from_bytes(region, &*unwrap_bytes(device, wrapped)?)?)
}

/// The wrapping key that a token unwraps.
pub fn unwrap_bytes(device: &Device, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let said = helper(device, "unwrap", wrapped)?;
    let key: &[u8; 32] = said
        .as_slice()
        .try_into()
        .map_err(|_| Failure::new("tally-pkcs11 said something else than a key"))?;
    Ok(Zeroizing::new(*key))
}

/// Runs `tally-pkcs11`, which stands beside this program, with `input`.
fn helper(device: &Device, command: &str, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (Some(module), Some(pin_file)) = (&device.pkcs11_module, &device.pin_file) else {
        return Err(Failure::new("the keyring is opened by a device: give --pkcs11-module and --pin-file"));
    };
    let program = std::env::current_exe()?.with_file_name("tally-pkcs11");
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", program.display()));
    let mut child = Command::new(&program)
        .arg(command)
        .arg("--module")
        .arg(module)
        .arg("--pin-file")
        .arg(pin_file)
        .args(["--token", &device.pkcs11_token, "--key", &device.pkcs11_key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(told)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended says why on its standard error.
        let _ = stdin.write_all(input);
    }
    // Room for all that is read, since growing would leave a copy behind.
    let mut said = Zeroizing::new(Vec::with_capacity(MOST + 1));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(u64::try_from(MOST).unwrap_or(0)).read_to_end(&mut said).map_err(told)?;
    }
    let mut why = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(u64::try_from(MOST).unwrap_or(0)).read_to_string(&mut why).map_err(told)?;
    }
    if child.wait().map_err(told)?.success() { Ok(said) } else { Err(Failure::new(why.trim_end())) }
}
