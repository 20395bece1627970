"""Client of `tallyd`, the Tallystick cryptogram engine.

    with tallystick.connect("/run/tallyd/tallyd.sock") as engine:
        issued = engine.issue(token, trid, Transaction(amount=49900, currency=356), key="order-1")

Every operation is a method of `Engine` (or `Admin`, on the admin socket) and a request class
of `payments`, `batches`, `tokens`, `cards`, `control` or `service`; `Engine.submit` takes
those and gives futures.
"""

from .admin import Admin, connect_admin
from .batches import IssueBatch, VerifyBatch
from .cards import EnteredCard, EntrySession, HeldCard
from .engine import Engine, connect
from .errors import ConnectionLost, ProtocolError, Refused, RequestError, TallystickError, TimedOut
from .opcode import Opcode
from .payments import Issue, Issued, IssuedShort, IssueShort, Verified, Verify, VerifyShort
from .request import IdempotencyKey, Request
from .secret import CardValue, Pan, Secret, ShortValue
from .status import Status
from .tokens import Card, Page, Provider, Token
from .values import (
    Binding,
    CardValueKind,
    Channel,
    Channels,
    DateOrder,
    Event,
    Network,
    Reason,
    TokenStatus,
    Transaction,
)

__version__ = "0.1.0"

__all__ = [
    "Admin",
    "Binding",
    "Card",
    "CardValue",
    "CardValueKind",
    "Channel",
    "Channels",
    "ConnectionLost",
    "DateOrder",
    "Engine",
    "EnteredCard",
    "EntrySession",
    "Event",
    "HeldCard",
    "IdempotencyKey",
    "Issue",
    "IssueBatch",
    "IssueShort",
    "Issued",
    "IssuedShort",
    "Network",
    "Opcode",
    "Page",
    "Pan",
    "ProtocolError",
    "Provider",
    "Reason",
    "Refused",
    "Request",
    "RequestError",
    "Secret",
    "ShortValue",
    "Status",
    "TallystickError",
    "TimedOut",
    "Token",
    "TokenStatus",
    "Transaction",
    "Verified",
    "Verify",
    "VerifyBatch",
    "VerifyShort",
    "connect",
    "connect_admin",
]
