"""Custody of the keys, and what two admins must agree on. Admin socket only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Optional, Tuple, Type

from .body import Body, Key, Row
from .opcode import Opcode
from .request import Answered, Empty, Mapped
from .secret import Pan


@dataclass(frozen=True)
class Custody(Body):
    """How the custody of the keys stands."""

    #: Whether no key is in memory.
    sealed: Annotated[bool, Key(1)]
    #: What opens the keyring: `passphrase`, `custodians`, `device`; empty if it cannot be read.
    provider: Annotated[str, Key(2)]
    #: Shares needed and made; 0 without custodians.
    needed: Annotated[int, Key(4)]
    made: Annotated[int, Key(5)]
    #: The numbers of the shares given so far.
    given: Annotated[Tuple[int, ...], Key(6)]
    #: 8 hex digits that each of the keyring's shares has too.
    splitting: Annotated[Optional[str], Key(3)] = None
    #: Seconds until the shares given are forgotten.
    forgotten_in: Annotated[Optional[int], Key(7)] = None


@dataclass(frozen=True)
class ShowCustody(Empty[Custody], Answered[Custody]):
    """Asks how the custody of the keys stands."""

    opcode: ClassVar[Opcode] = Opcode.CUSTODY
    reply: ClassVar[Type[Any]] = Custody


@dataclass(frozen=True)
class Unseal(Mapped[Custody], Answered[Custody]):
    """Gives one of the three: a share, a passphrase, a wrapping key."""

    opcode: ClassVar[Opcode] = Opcode.UNSEAL
    reply: ClassVar[Type[Any]] = Custody

    share: Annotated[Optional[str], Key(1)] = field(default=None, repr=False)
    passphrase: Annotated[Optional[bytes], Key(2)] = field(default=None, repr=False)
    wrapping_key: Annotated[Optional[bytes], Key(3)] = field(default=None, repr=False)


@dataclass(frozen=True)
class Forget(Empty[Custody], Answered[Custody]):
    """Forgets the shares given so far."""

    opcode: ClassVar[Opcode] = Opcode.FORGET
    reply: ClassVar[Type[Any]] = Custody


@dataclass(frozen=True)
class Seal(Empty[Custody], Answered[Custody]):
    """Wipes every key."""

    opcode: ClassVar[Opcode] = Opcode.SEAL
    reply: ClassVar[Type[Any]] = Custody


@dataclass(frozen=True)
class Proposal(Body):
    """What an admin proposed. What an operation does not need is `None`."""

    #: `destroy_key`, `detokenize_all`, `import_key`, `assemble_key`, `export_key`, `remove_key`.
    operation: Annotated[str, Key(1)]
    #: 32 bytes; the other admin approves it by them.
    digest: Annotated[bytes, Key(5)]
    #: The peer's configured name.
    proposed_by: Annotated[str, Key(6)]
    #: Seconds.
    expires_in: Annotated[int, Key(8)]
    approved_by: Annotated[Optional[str], Key(7)] = None
    purpose: Annotated[Optional[str], Key(2)] = None
    version: Annotated[Optional[int], Key(3)] = None
    trid: Annotated[Optional[str], Key(4)] = None
    label: Annotated[Optional[str], Key(9)] = None
    transport_key: Annotated[Optional[str], Key(10)] = None
    key_block: Annotated[Optional[str], Key(11)] = None
    algorithm: Annotated[Optional[str], Key(12)] = None
    components: Annotated[Optional[int], Key(13)] = None
    key_check_value: Annotated[Optional[str], Key(14)] = None
    exportable: Annotated[Optional[bool], Key(15)] = None
    components_given: Annotated[Optional[int], Key(16)] = None


@dataclass(frozen=True)
class Propose(Mapped[Proposal], Answered[Proposal]):
    """Proposes an operation with the fields that it needs."""

    opcode: ClassVar[Opcode] = Opcode.PROPOSE
    reply: ClassVar[Type[Any]] = Proposal

    operation: Annotated[str, Key(1)]
    #: Of a key: as in STATUS, or `emv-issuer-master`, `card-verification`, `key-transport`.
    purpose: Annotated[Optional[str], Key(2)] = None
    version: Annotated[Optional[int], Key(3)] = None
    #: Of this requestor only.
    trid: Annotated[Optional[str], Key(4)] = None
    #: 1 to 32 of a-z, 0-9 and -.
    label: Annotated[Optional[str], Key(9)] = None
    #: A label.
    transport_key: Annotated[Optional[str], Key(10)] = None
    #: TR-31, at most 4,096 characters.
    key_block: Annotated[Optional[str], Key(11)] = field(default=None, repr=False)
    #: `tdes-2`, `tdes-3`, `aes-128`, `aes-192`, `aes-256`.
    algorithm: Annotated[Optional[str], Key(12)] = None
    #: 2 to 8.
    components: Annotated[Optional[int], Key(13)] = None
    #: 6 hex digits of TDES, 10 of AES.
    key_check_value: Annotated[Optional[str], Key(14)] = None
    exportable: Annotated[Optional[bool], Key(15)] = None


@dataclass(frozen=True)
class _OfDigest(Mapped[Proposal], Answered[Proposal]):
    """What is asked of a proposal by its digest."""

    reply: ClassVar[Type[Any]] = Proposal

    digest: Annotated[bytes, Key(5)]


@dataclass(frozen=True)
class Approve(_OfDigest):
    """Approves another admin's proposal."""

    opcode: ClassVar[Opcode] = Opcode.APPROVE


@dataclass(frozen=True)
class Withdraw(_OfDigest):
    """Withdraws a proposal."""

    opcode: ClassVar[Opcode] = Opcode.WITHDRAW


@dataclass(frozen=True)
class DestroyKey(_OfDigest):
    """Destroys the key of an approved proposal."""

    opcode: ClassVar[Opcode] = Opcode.DESTROY_KEY


@dataclass(frozen=True)
class ImportKey(_OfDigest):
    """Takes the key of an approved proposal in."""

    opcode: ClassVar[Opcode] = Opcode.IMPORT_KEY


@dataclass(frozen=True)
class GiveComponent(Mapped[Proposal], Answered[Proposal]):
    """Gives one component of a key that is proposed to be assembled."""

    opcode: ClassVar[Opcode] = Opcode.GIVE_COMPONENT
    reply: ClassVar[Type[Any]] = Proposal

    #: As many bytes as the key has.
    component: Annotated[bytes, Key(1)] = field(repr=False)
    digest: Annotated[bytes, Key(5)]
    #: Of the component by itself.
    key_check_value: Annotated[str, Key(14)]


@dataclass(frozen=True)
class KeyBlock(Body):
    """A TR-31 key block."""

    key_block: Annotated[str, Key(1)] = field(repr=False)


@dataclass(frozen=True)
class ExportKey(Mapped[KeyBlock], Answered[KeyBlock]):
    """Writes the key of an approved proposal as a key block."""

    opcode: ClassVar[Opcode] = Opcode.EXPORT_KEY
    reply: ClassVar[Type[Any]] = KeyBlock

    digest: Annotated[bytes, Key(5)]


@dataclass(frozen=True)
class Proposals(Body):
    """The proposals that wait."""

    proposals: Annotated[Tuple[Proposal, ...], Key(1)]


@dataclass(frozen=True)
class ShowProposals(Empty[Proposals], Answered[Proposals]):
    """Asks for the proposals that wait."""

    opcode: ClassVar[Opcode] = Opcode.PROPOSALS
    reply: ClassVar[Type[Any]] = Proposals


@dataclass(frozen=True)
class CardOf(Row):
    """A token and its card."""

    token: str
    pan: Pan
    #: Of the card, YYMM.
    expiry: str


@dataclass(frozen=True)
class Cards(Body):
    """Some tokens with their cards."""

    cards: Annotated[Tuple[CardOf, ...], Key(1)]
    #: Tokens looked at whose PAN does not open.
    left_out: Annotated[int, Key(3)]
    #: Tokens held by the engine.
    tokens: Annotated[int, Key(4)]
    #: Where to go on; `None` at the end.
    next: Annotated[Optional[int], Key(2)] = None


@dataclass(frozen=True)
class DetokenizeAll(Mapped[Cards], Answered[Cards]):
    """A page of all tokens with their cards, of an approved proposal."""

    opcode: ClassVar[Opcode] = Opcode.DETOKENIZE_ALL
    reply: ClassVar[Type[Any]] = Cards

    #: 1 to 100 tokens to look at.
    limit: Annotated[int, Key(2)]
    digest: Annotated[bytes, Key(5)]
    after: Annotated[Optional[int], Key(1)] = None
