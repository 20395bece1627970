"""EMV with triple DES, by pyemv."""

from numbers_of import pan, psn, text
from pyemv import ac, cvn, kd

ELEMENTS = {
    "9f02": 6, "9f03": 6, "9f1a": 2, "95": 5, "5f2a": 2, "9a": 3, "9c": 1, "9f37": 4, "82": 2, "9f36": 2,
}
# What a profile covers beside them.
PROFILES = {
    "VisaCVN10": {"cvr": [4]},
    "VisaCVN18": {"tag_9f10": [7, 18, 32]},
    "VisaCVN22": {"tag_9f10": [7, 18, 32]},
    "MasterCardCVN16": {"cvr": [6]},
    "MasterCardCVN17": {"cvr": [6], "counters": [8, 16]},
    "MasterCardCVN20": {"cvr": [6]},
    "MasterCardCVN21": {"cvr": [6], "counters": [8, 16]},
}


def icc(derive):
    def case(random):
        imk, number, sequence = text(random, 16, 24), pan(random), psn(random)
        expected = derive(imk, number, sequence).hex()
        return {"imk": imk.hex(), "pan": number, "psn": sequence, "expected": expected}

    return case


def common(random):
    key, r = text(random, 16), text(random, 8)
    return {"icc_mk": key.hex(), "r": r.hex(), "expected": kd.derive_common_sk(key, r).hex()}


def tree(random):
    key, atc = text(random, 16), text(random, 2)
    height, factor = random.choice([(8, 4), (16, 2), (11, 3), (4, 16), (2, 255), (9, 4)])
    if factor**height < 65535:
        height += 1
    expected = kd.derive_emv2000_tree_sk(key, atc, height, factor).hex()
    shape = {"height": height, "branch_factor": factor}
    return {"icc_mk": key.hex(), "atc": atc.hex(), **shape, "expected": expected}


def cryptogram(padding):
    def case(random):
        key, data = text(random, 16), text(random, *range(100))
        expected = ac.generate_ac(key, data, padding).hex()
        return {"sk_ac": key.hex(), "data": data.hex(), "expected": expected}

    return case


def method1(random):
    key, arqc, arc = text(random, 16), text(random, 8), text(random, 2)
    expected = ac.generate_arpc_1(key, arqc, arc).hex()
    return {"sk_ac": key.hex(), "arqc": arqc.hex(), "arc": arc.hex(), "expected": expected}


def method2(random):
    key, arqc, csu, prop = text(random, 16), text(random, 8), text(random, 4), text(random, *range(9))
    expected = ac.generate_arpc_2(key, arqc, csu, prop).hex()
    fields = {"sk_ac": key.hex(), "arqc": arqc.hex(), "csu": csu.hex(), "prop": prop.hex()}
    return {**fields, "expected": expected}


def profile(name, more):
    def case(random):
        imk, number, sequence = text(random, 16), pan(random), psn(random)
        fields = {f"tag_{tag}": text(random, length) for tag, length in ELEMENTS.items()}
        fields |= {name: text(random, *lengths) for name, lengths in more.items()}
        expected = getattr(cvn, name)(imk, imk, imk, number, sequence).generate_ac(**fields).hex()
        fields = {name: value.hex() for name, value in fields.items()}
        return {"imk_ac": imk.hex(), "pan": number, "psn": sequence, **fields, "expected": expected}

    return case


ALGORITHMS = {
    "emv.icc_mk.option_a": icc(kd.derive_icc_mk_a),
    "emv.icc_mk.option_b": icc(kd.derive_icc_mk_b),
    "emv.sk.common": common,
    "emv.sk.emv2000_tree": tree,
    "emv.ac.3des.iso9797_method1_visa": cryptogram(ac.PaddingType.VISA),
    "emv.ac.3des.iso9797_method2_emv": cryptogram(ac.PaddingType.EMV),
    "emv.arpc.method1": method1,
    "emv.arpc.method2": method2,
} | {f"emv.profile.{name}.arqc": profile(name, more) for name, more in PROFILES.items()}
