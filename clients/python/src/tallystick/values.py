"""The field's nouns, as the wire has them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional


class Channel(enum.IntEnum):
    """Through what a payment comes."""

    ONLINE = 0
    IN_APP = 1
    CONTACTLESS = 2
    RECURRING = 3


class Channels(enum.IntFlag):
    """Those a token may be used through."""

    ONLINE = 1
    IN_APP = 2
    CONTACTLESS = 4
    RECURRING = 8
    ALL = 15


class Binding(enum.IntFlag):
    """What a cryptogram binds, or a token demands to be bound."""

    NOTHING = 0
    AMOUNT = 1
    """Amount and currency."""
    MERCHANT = 2
    UNPREDICTABLE_NUMBER = 4
    MERCHANT_INITIATED = 8


class TokenStatus(str, enum.Enum):
    """Where a token's life stands."""

    INITIATED = "initiated"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class Reason(str, enum.Enum):
    """Why a token was deactivated."""

    EXPIRED = "expired"
    DEACTIVATED_BY_BANK = "deactivated_by_bank"
    REQUESTED = "requested"


class Event(str, enum.Enum):
    """What changes a token's status."""

    SUSPEND = "suspend"
    RESUME = "resume"
    DEACTIVATE = "deactivate"


class Network(str, enum.Enum):
    """A card's network; one that is newer than this client is `OTHER`."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    RUPAY = "rupay"
    DINERS = "diners"
    DISCOVER = "discover"
    JCB = "jcb"
    UNIONPAY = "unionpay"
    MAESTRO = "maestro"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "Network":
        return cls.OTHER


class CardValueKind(str, enum.Enum):
    """Which card verification value."""

    CVV = "cvv"
    CVV2 = "cvv2"
    ICVV = "icvv"


class DateOrder(str, enum.Enum):
    """How an issuer takes the expiry into CVV2."""

    YYMM = "yymm"
    MMYY = "mmyy"


@dataclass(frozen=True)
class Transaction:
    """What is known of a payment. What is given is bound by its cryptogram."""

    #: Minor units; given together with `currency`.
    amount: Optional[int] = None
    #: ISO 4217 numeric, 1 to 999.
    currency: Optional[int] = None
    #: 1 to 255 printable ASCII characters.
    merchant: Optional[str] = None
    #: 32 bits.
    unpredictable_number: Optional[int] = None
    channel: Channel = Channel.ONLINE
    merchant_initiated: bool = False

    @property
    def binding(self) -> Binding:
        """What is bound of it."""
        bound = Binding.NOTHING
        if self.amount is not None or self.currency is not None:
            bound |= Binding.AMOUNT
        if self.merchant is not None:
            bound |= Binding.MERCHANT
        if self.unpredictable_number is not None:
            bound |= Binding.UNPREDICTABLE_NUMBER
        if self.merchant_initiated:
            bound |= Binding.MERCHANT_INITIATED
        return bound


#: Nothing is known of the payment yet.
NOTHING_KNOWN = Transaction()

#: The name of a held card or an entry session: 16 bytes.
Handle = bytes

