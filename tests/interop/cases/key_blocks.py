"""Key blocks by psec, with optional blocks; check values by psec and cryptography."""

import string

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from numbers_of import text
from psec import des, tr31

USAGES = ["B0", "C0", "D0", "E0", "E1", "K0", "K1", "M3", "M6", "P0", "V2", "10"]


def optional(random):
    """Up to four optional blocks, some of them of extended length."""
    printable = [chr(code) for code in range(0x20, 0x7F)]
    blocks = {}
    for _ in range(random.choice([0, 0, 1, 2, 4])):
        name = random.choice("ABCDKLTW") + random.choice(string.ascii_uppercase + string.digits)
        length = random.choice([0, 1, 6, 20, 251, 252, 400])
        blocks[name] = "".join(random.choice(printable) for _ in range(length))
    return blocks


def unwrap(version):
    def case(random):
        # What psec draws for padding, so that a seed repeats all of it.
        tr31._urandom = random.randbytes
        aes = version == "D"
        protection = text(random, 16, 24, *([32] if aes else []))
        kind = random.choice("TA" if aes else "T")
        key = text(random, 16, 24, *([32] if kind == "A" else []))
        header = tr31.Header(
            version,
            random.choice(USAGES),
            kind,
            random.choice("BCDEGNVXY"),
            random.choice(["00", "01", "c3", "Zz"]),
            random.choice("ENS"),
        )
        for name, content in optional(random).items():
            header.blocks[name] = content
        masked = random.choice([None, 0, 40])
        block = tr31.KeyBlock(protection, header).wrap(key, masked)
        return {"kbpk": protection.hex(), "key_block": block, "expected": key.hex()}

    return case


def legacy(random):
    key = text(random, 16, 24)
    return {"key": key.hex(), "expected": des.generate_kcv(key, 3).hex()}


def cmac(cipher, size, *lengths):
    def case(random):
        key = text(random, *lengths)
        mac = CMAC(cipher(key))
        mac.update(bytes(size))
        return {"key": key.hex(), "expected": mac.finalize().hex()[: random.choice([6, 10])]}

    return case


ALGORITHMS = {
    **{f"tr31.unwrap.{version}": unwrap(version) for version in "ABCD"},
    "kcv.legacy.3des": legacy,
    "kcv.cmac.3des": cmac(algorithms.TripleDES, 8, 16, 24),
    "kcv.cmac.aes": cmac(algorithms.AES, 16, 16, 24, 32),
}
