"""EMV with AES, by the package cryptography: EMV Book 2, Annexes A1.2 to A1.4."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from numbers_of import pan, psn, text

LENGTHS = (16, 24, 32)


def encrypt(key, *blocks):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(b"".join(blocks))


def icc(random):
    imk, number, sequence = text(random, *LENGTHS), pan(random), psn(random)
    y = bytes.fromhex((number + sequence).zfill(32))
    key = encrypt(imk, y, bytes(byte ^ 0xFF for byte in y))[: len(imk)]
    return {"imk": imk.hex(), "pan": number, "psn": sequence, "expected": key.hex()}


def session(random):
    card = text(random, *LENGTHS)
    # All that follows the counter is zero.
    r = text(random, 2) + bytes(14)
    blocks = [r] if len(card) == 16 else [r[:2] + byte + r[3:] for byte in (b"\xf0", b"\x0f")]
    return {"icc_mk": card.hex(), "r": r.hex(), "expected": encrypt(card, *blocks)[: len(card)].hex()}


def cryptogram(random):
    key, data = text(random, *LENGTHS), text(random, *range(100))
    mac = CMAC(algorithms.AES(key))
    mac.update(data)
    return {"sk_ac": key.hex(), "data": data.hex(), "expected": mac.finalize()[:8].hex()}


ALGORITHMS = {
    "emv.icc_mk.option_c_aes": icc,
    "emv.sk.common_aes": session,
    "emv.ac.aes_cmac": cryptogram,
}
