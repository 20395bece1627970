"""Cards of the field: application cryptograms (EMV), card verification values, held cards and
entry sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Optional, Type

from .body import Body, Key
from .opcode import Opcode
from .request import Answered, Done, Mapped
from .secret import CardValue, Pan
from .values import CardValueKind, DateOrder, Network


@dataclass(frozen=True)
class EmvIssued(Body):
    """An application cryptogram, 8 bytes, and its counter."""

    atc: Annotated[int, Key(1)]
    cryptogram: Annotated[bytes, Key(2)]


@dataclass(frozen=True)
class EmvVerified(Body):
    """The counter that was consumed, and the answer to the card if one was asked for."""

    atc: Annotated[int, Key(1)]
    arpc: Annotated[Optional[bytes], Key(3)] = None


@dataclass(frozen=True)
class Arpc(Body):
    """An answer to a card: 8 bytes, or 4 of method 2."""

    arpc: Annotated[bytes, Key(3)]


@dataclass(frozen=True)
class EmvIssue(Mapped[EmvIssued], Answered[EmvIssued]):
    """Issues an application cryptogram under the card's next counter."""

    opcode: ClassVar[Opcode] = Opcode.EMV_ISSUE
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = EmvIssued

    pan: Annotated[Pan, Key(1)]
    #: Label of the issuer master key.
    key: Annotated[str, Key(3)]
    #: A profile, as `visa-cvn18`, or a scheme.
    method: Annotated[str, Key(4)]
    #: BER-TLV, each tag once, without 9F36.
    emv_data: Annotated[bytes, Key(5)]
    #: PAN sequence number, 2 digits.
    psn: Annotated[Optional[str], Key(2)] = None


@dataclass(frozen=True)
class _EmvPresented(Body):
    """A cryptogram as a terminal presents it, and what to answer the card."""

    pan: Annotated[Pan, Key(1)]
    key: Annotated[str, Key(3)]
    method: Annotated[str, Key(4)]
    #: With 9F36.
    emv_data: Annotated[bytes, Key(5)]
    #: 8 bytes.
    cryptogram: Annotated[bytes, Key(6)]
    psn: Annotated[Optional[str], Key(2)] = None
    #: 2 bytes: ARPC method 1.
    response_code: Annotated[Optional[bytes], Key(7)] = None
    #: 4 to 12 bytes: ARPC method 2.
    card_status_update: Annotated[Optional[bytes], Key(8)] = None
    #: What a scheme covers, in order, in the place of tags of the data.
    text: Annotated[Optional[bytes], Key(9)] = None


@dataclass(frozen=True)
class EmvVerify(_EmvPresented, Mapped[EmvVerified], Answered[EmvVerified]):
    """Verifies an application cryptogram and consumes its counter."""

    opcode: ClassVar[Opcode] = Opcode.EMV_VERIFY
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = EmvVerified


@dataclass(frozen=True)
class EmvArpc(_EmvPresented, Mapped[Arpc], Answered[Arpc]):
    """The answer to a right cryptogram, whose counter may be consumed elsewhere. It consumes
    nothing, but a wrong cryptogram is a miss."""

    opcode: ClassVar[Opcode] = Opcode.EMV_ARPC
    reply: ClassVar[Type[Any]] = Arpc


@dataclass(frozen=True)
class CardValueMade(Body):
    """A card verification value."""

    value: Annotated[CardValue, Key(1)]


@dataclass(frozen=True)
class MakeCardValue(Mapped[CardValueMade], Answered[CardValueMade]):
    """Makes a card verification value."""

    opcode: ClassVar[Opcode] = Opcode.MAKE_CARD_VALUE
    reply: ClassVar[Type[Any]] = CardValueMade

    pan: Annotated[Pan, Key(1)]
    expiry: Annotated[str, Key(2)]
    #: Label of the card verification key.
    key: Annotated[str, Key(3)]
    kind: Annotated[CardValueKind, Key(4)]
    #: 3 digits, for `cvv` only.
    service_code: Annotated[Optional[str], Key(5)] = None
    date_order: Annotated[Optional[DateOrder], Key(7)] = None


@dataclass(frozen=True)
class VerifyCardValue(Mapped[None], Done):
    """Tells whether a card verification value is right: a wrong one is refused."""

    opcode: ClassVar[Opcode] = Opcode.VERIFY_CARD_VALUE
    takes_key: ClassVar[bool] = True

    pan: Annotated[Pan, Key(1)]
    expiry: Annotated[str, Key(2)]
    key: Annotated[str, Key(3)]
    kind: Annotated[CardValueKind, Key(4)]
    value: Annotated[CardValue, Key(6)]
    service_code: Annotated[Optional[str], Key(5)] = None
    date_order: Annotated[Optional[DateOrder], Key(7)] = None


@dataclass(frozen=True)
class HeldCard(Body):
    """A card that the daemon holds."""

    #: 16 bytes; `Engine.provision` takes it in the place of the card.
    handle: Annotated[bytes, Key(1)]
    #: The card's first six digits.
    iin: Annotated[str, Key(2)]
    last_four: Annotated[str, Key(3)]
    pan_length: Annotated[int, Key(4)]
    network: Annotated[Network, Key(5)]
    expiry: Annotated[str, Key(6)]
    fingerprint: Annotated[bytes, Key(7)]
    par: Annotated[str, Key(8)]
    #: When it is forgotten: seconds since 1970.
    until: Annotated[int, Key(9)]


@dataclass(frozen=True)
class EnteredCard(HeldCard):
    """A held card that a payer typed in."""

    #: Whether a verification value came with it. It is not kept.
    cvc_given: Annotated[bool, Key(10)]


@dataclass(frozen=True)
class EntrySession(Body):
    """A session for which one card may be entered."""

    #: 16 bytes.
    session: Annotated[bytes, Key(1)]
    #: `SubjectPublicKeyInfo` in DER, for WebCrypto's `spki`: RSA-OAEP with SHA-256.
    public_key: Annotated[bytes, Key(2)]
    #: When it dies: seconds since 1970.
    until: Annotated[int, Key(3)]


@dataclass(frozen=True)
class HoldCard(Mapped[HeldCard], Answered[HeldCard]):
    """Hands a card in before it may be saved."""

    opcode: ClassVar[Opcode] = Opcode.HOLD_CARD
    reply: ClassVar[Type[Any]] = HeldCard

    pan: Annotated[Pan, Key(1)]
    expiry: Annotated[str, Key(2)]
    #: 1 to 3,600.
    seconds: Annotated[int, Key(3)]


@dataclass(frozen=True)
class ReleaseCard(Mapped[None], Done):
    """Has a held card forgotten."""

    opcode: ClassVar[Opcode] = Opcode.RELEASE_CARD

    handle: Annotated[bytes, Key(1)]


@dataclass(frozen=True)
class OpenEntry(Mapped[EntrySession], Answered[EntrySession]):
    """Has a key made for a payment session."""

    opcode: ClassVar[Opcode] = Opcode.OPEN_ENTRY
    reply: ClassVar[Type[Any]] = EntrySession

    #: 1 to 86,400.
    seconds: Annotated[int, Key(1)]


@dataclass(frozen=True)
class EnterCard(Mapped[EnteredCard], Answered[EnteredCard]):
    """Decrypts a card and holds it."""

    opcode: ClassVar[Opcode] = Opcode.ENTER_CARD
    reply: ClassVar[Type[Any]] = EnteredCard

    session: Annotated[bytes, Key(1)]
    #: 256 bytes.
    ciphertext: Annotated[bytes, Key(2)] = field(repr=False)
    #: 1 to 3,600: for how long the card is held.
    seconds: Annotated[int, Key(3)]


@dataclass(frozen=True)
class CloseEntry(Mapped[None], Done):
    """Ends an entry session."""

    opcode: ClassVar[Opcode] = Opcode.CLOSE_ENTRY

    session: Annotated[bytes, Key(1)]
