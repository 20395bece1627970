"""What a frame asks for."""

from __future__ import annotations

import enum


class Opcode(enum.IntEnum):
    """An operation, by its number. A reply carries the opcode of its request."""

    HELLO = 0x0001
    PING = 0x0002
    ISSUE = 0x0010
    VERIFY = 0x0011
    ISSUE_BATCH = 0x0012
    VERIFY_BATCH = 0x0013
    ISSUE_SHORT = 0x0014
    VERIFY_SHORT = 0x0015
    PROVISION = 0x0020
    SHOW = 0x0021
    LIST = 0x0022
    CHANGE_STATUS = 0x0023
    RENEW = 0x0024
    LINK_PAR = 0x0025
    DETOKENIZE = 0x0026
    PAR = 0x0027
    FINGERPRINT = 0x0028
    CLEAR_SHORT_LOCK = 0x0029
    RESEAL = 0x002a
    EMV_ISSUE = 0x0030
    EMV_VERIFY = 0x0031
    EMV_ARPC = 0x0032
    MAKE_CARD_VALUE = 0x0033
    VERIFY_CARD_VALUE = 0x0034
    HOLD_CARD = 0x0038
    RELEASE_CARD = 0x0039
    OPEN_ENTRY = 0x003a
    ENTER_CARD = 0x003b
    CLOSE_ENTRY = 0x003c
    STATUS = 0x0040
    METRICS = 0x0041
    CUSTODY = 0x0050
    UNSEAL = 0x0051
    FORGET = 0x0052
    SEAL = 0x0053
    PROPOSE = 0x0054
    APPROVE = 0x0055
    WITHDRAW = 0x0056
    PROPOSALS = 0x0057
    DESTROY_KEY = 0x0058
    DETOKENIZE_ALL = 0x0059
    IMPORT_KEY = 0x005a
    GIVE_COMPONENT = 0x005b
    EXPORT_KEY = 0x005c
    BACKUP_BEGIN = 0x0060
    BACKUP_NEXT = 0x0061
