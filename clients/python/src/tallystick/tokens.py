"""Tokens and the cards behind them: saving, showing, changing, PAR and fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Optional, Tuple, Type

from .body import Body, Key, Row
from .opcode import Opcode
from .request import Answered, Mapped
from .secret import Pan
from .values import Binding, Channels, Event, Network, Reason, TokenStatus


@dataclass(frozen=True)
class Card(Body):
    """A card: its number and expiry (YYMM)."""

    pan: Annotated[Pan, Key(1)]
    expiry: Annotated[str, Key(2)]


@dataclass(frozen=True)
class Provider(Row):
    """Where a token stands, and how."""

    name: str
    status: TokenStatus
    reason: Optional[Reason] = None


@dataclass(frozen=True)
class Token(Body):
    """A token as it stands."""

    token: Annotated[str, Key(1)]
    #: Of the token, YYMM.
    expiry: Annotated[str, Key(2)]
    card_expiry: Annotated[str, Key(3)]
    card_last_four: Annotated[str, Key(4)]
    #: Digits of the card's number.
    pan_length: Annotated[int, Key(5)]
    network: Annotated[Network, Key(6)]
    trid: Annotated[str, Key(7)]
    par: Annotated[str, Key(8)]
    #: 32 bytes: the same for the same PAN.
    fingerprint: Annotated[bytes, Key(9)]
    status: Annotated[TokenStatus, Key(10)]
    providers: Annotated[Tuple[Provider, ...], Key(12)]
    channels: Annotated[Channels, Key(14)]
    #: What every cryptogram must bind.
    demands: Annotated[Binding, Key(15)]
    #: Seconds since 1970.
    created: Annotated[int, Key(16)]
    #: Only if deactivated.
    reason: Annotated[Optional[Reason], Key(11)] = None
    #: The one that may use it.
    merchant: Annotated[Optional[str], Key(13)] = None


@dataclass(frozen=True)
class Page(Body):
    """Some tokens of a requestor."""

    tokens: Annotated[Tuple[Token, ...], Key(1)]
    #: Where to go on; `None` after the last page.
    next: Annotated[Optional[int], Key(2)] = None


@dataclass(frozen=True)
class PanPar(Body):
    """A PAR."""

    par: Annotated[str, Key(1)]


@dataclass(frozen=True)
class PanFingerprint(Body):
    """A fingerprint, 32 bytes."""

    fingerprint: Annotated[bytes, Key(1)]


@dataclass(frozen=True)
class Provision(Mapped[Token], Answered[Token]):
    """Saves a card, given by `pan` and `expiry` or by the `handle` of one that is held."""

    opcode: ClassVar[Opcode] = Opcode.PROVISION
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = Token

    trid: Annotated[str, Key(3)]
    #: The cardholder's.
    consent: Annotated[bool, Key(4)]
    #: Who authenticated the cardholder: 1 to 64 printable ASCII characters.
    authentication_provider: Annotated[str, Key(5)]
    authentication_reference: Annotated[str, Key(6)]
    pan: Annotated[Optional[Pan], Key(1)] = None
    expiry: Annotated[Optional[str], Key(2)] = None
    handle: Annotated[Optional[bytes], Key(13)] = None
    #: RuPay demands it: 1 to 26 printable ASCII characters.
    authentication_reference_number: Annotated[Optional[str], Key(7)] = None
    #: One that a network gave.
    par: Annotated[Optional[str], Key(8)] = None
    merchant: Annotated[Optional[str], Key(9)] = None
    channels: Annotated[Optional[Channels], Key(10)] = None
    demands: Annotated[Optional[Binding], Key(11)] = None
    #: Where the token becomes active at once: none leaves it initiated, `None` means one,
    #: named as the card's network.
    providers: Annotated[Optional[Tuple[str, ...]], Key(12)] = None


@dataclass(frozen=True)
class Show(Mapped[Token], Answered[Token]):
    """Shows a token."""

    opcode: ClassVar[Opcode] = Opcode.SHOW
    reply: ClassVar[Type[Any]] = Token

    token: Annotated[str, Key(1)]


@dataclass(frozen=True)
class List(Mapped[Page], Answered[Page]):
    """A page of a requestor's tokens, in the order in which they were made."""

    opcode: ClassVar[Opcode] = Opcode.LIST
    reply: ClassVar[Type[Any]] = Page

    trid: Annotated[str, Key(1)]
    #: 1 to 100.
    limit: Annotated[int, Key(3)]
    #: Where the page before ended: its `next`.
    after: Annotated[Optional[int], Key(2)] = None


@dataclass(frozen=True)
class ChangeStatus(Mapped[Token], Answered[Token]):
    """Suspends, resumes or deactivates a token."""

    opcode: ClassVar[Opcode] = Opcode.CHANGE_STATUS
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = Token

    token: Annotated[str, Key(1)]
    event: Annotated[Event, Key(2)]
    #: With `deactivate` only, and then needed.
    reason: Annotated[Optional[Reason], Key(3)] = None
    #: The provider concerned; all if there is none.
    provider: Annotated[Optional[str], Key(4)] = None


@dataclass(frozen=True)
class Renew(Mapped[Token], Answered[Token]):
    """Gives a token and its card a new expiry."""

    opcode: ClassVar[Opcode] = Opcode.RENEW
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = Token

    token: Annotated[str, Key(1)]
    expiry: Annotated[str, Key(2)]


@dataclass(frozen=True)
class LinkPar(Mapped[PanPar], Answered[PanPar]):
    """Has a reissued card keep its predecessor's PAR."""

    opcode: ClassVar[Opcode] = Opcode.LINK_PAR
    takes_key: ClassVar[bool] = True
    reply: ClassVar[Type[Any]] = PanPar

    #: Of the new card.
    pan: Annotated[Pan, Key(1)]
    #: The token of the old one.
    predecessor: Annotated[str, Key(2)]


@dataclass(frozen=True)
class Detokenize(Mapped[Card], Answered[Card]):
    """Reads a token's card."""

    opcode: ClassVar[Opcode] = Opcode.DETOKENIZE
    reply: ClassVar[Type[Any]] = Card

    token: Annotated[str, Key(1)]


@dataclass(frozen=True)
class Par(Mapped[PanPar], Answered[PanPar]):
    """The PAR of a PAN."""

    opcode: ClassVar[Opcode] = Opcode.PAR
    reply: ClassVar[Type[Any]] = PanPar

    pan: Annotated[Pan, Key(1)]


@dataclass(frozen=True)
class Fingerprint(Mapped[PanFingerprint], Answered[PanFingerprint]):
    """The fingerprint of a PAN."""

    opcode: ClassVar[Opcode] = Opcode.FINGERPRINT
    reply: ClassVar[Type[Any]] = PanFingerprint

    pan: Annotated[Pan, Key(1)]
