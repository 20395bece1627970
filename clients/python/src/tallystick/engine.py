"""The engine as a vault sees it: a method an operation."""

from __future__ import annotations

import os
import time
import weakref
from concurrent.futures import Future
from types import TracebackType
from typing import Iterator, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from . import batches, cards, payments, service, tokens
from .cards import Arpc, EmvIssued, EmvVerified, EnteredCard, EntrySession, HeldCard
from .errors import Refused
from .link import Waiting
from .loop import Loop
from .payments import Issue, Issued, IssuedShort, Verified, Verify
from .request import IdempotencyKey, Request
from .secret import CardValue, Pan, ShortValue
from .tokens import Card, Page, Token
from .values import (
    NOTHING_KNOWN,
    Binding,
    CardValueKind,
    Channels,
    DateOrder,
    Event,
    Reason,
    Transaction,
)

R = TypeVar("R")
E = TypeVar("E", bound="Engine")
#: A card: in clear, or the handle of one that is held.
CardSource = Union[Card, HeldCard, bytes]


class Engine:
    """A connection to `tallyd`, for as many threads as like; made by `tallystick.connect`.

    Every method waits for its answer and raises `Refused`, `ConnectionLost` (of which
    `TimedOut` and `ProtocolError` are kinds) or `RequestError`. A request with an idempotency
    key is asked again by itself when the connection was lost; it is done once, and answered
    with the same. One without is told as `ConnectionLost`.
    """

    def __init__(
        self, path: str, *, name: str, timeout: float, frame: int, in_flight: int, reconnect: bool
    ) -> None:
        hello = service.Hello((service.PROTOCOL,), frame, in_flight, name)
        self._timeout = timeout
        self._loop = Loop(path, hello, timeout, reconnect)
        # A client that is forgotten ends its thread and its connection.
        self._finalizer = weakref.finalize(self, self._loop.close, False)
        try:
            #: What was agreed on with the daemon when this was made.
            self.agreed = self._loop.first.result()
        except BaseException:
            self._finalizer()
            raise

    def close(self, *, wait: bool = True) -> None:
        """Ends the connection; what is under way is waited for first, unless told not to."""
        self._loop.close(wait)
        self._finalizer.detach()

    def __enter__(self: E) -> E:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close(wait=kind is None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.agreed.server}>"

    # Any operation.

    def call(
        self, request: Request[R], *, key: IdempotencyKey = None, timeout: Optional[float] = None
    ) -> R:
        """Asks and waits. `timeout`: seconds for all of it, reconnecting too."""
        return self.submit(request, key=key, timeout=timeout).result()

    def submit(
        self, request: Request[R], *, key: IdempotencyKey = None, timeout: Optional[float] = None
    ) -> "Future[R]":
        """Puts a request on its way; the future gets its reply or its error. Requests of one
        thread are decided in their order."""
        (future,) = self.submit_all([(request, key)], timeout=timeout)
        return future

    def submit_all(
        self, requests: Sequence[Tuple[Request[R], IdempotencyKey]], *, timeout: Optional[float] = None
    ) -> List["Future[R]"]:
        """The same for many, which are decided together as far as they fit. None is sent if
        one of them cannot be."""
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        waiting = [Waiting(request, *request.bytes_of(key), deadline) for request, key in requests]
        self._loop.submit(waiting)
        return [one.future for one in waiting]

    def ping(self) -> None:
        """There and back."""
        self.call(service.Ping())

    # Payments.

    def issue(
        self,
        token: str,
        trid: str,
        transaction: Transaction = NOTHING_KNOWN,
        *,
        key: IdempotencyKey = None,
    ) -> Issued:
        """Issues a cryptogram."""
        return self.call(Issue(token, trid, transaction), key=key)

    def verify(
        self,
        token: str,
        trid: str,
        expiry: str,
        cryptogram: bytes,
        transaction: Transaction = NOTHING_KNOWN,
        *,
        key: IdempotencyKey = None,
    ) -> Verified:
        """Verifies a cryptogram and consumes it: it is accepted once."""
        return self.call(Verify(token, trid, expiry, cryptogram, transaction), key=key)

    def issue_short(
        self,
        token: str,
        trid: str,
        transaction: Transaction = NOTHING_KNOWN,
        *,
        key: IdempotencyKey = None,
    ) -> IssuedShort:
        """Issues a dynamic verification value."""
        return self.call(payments.IssueShort(token, trid, transaction), key=key)

    def verify_short(
        self,
        token: str,
        trid: str,
        expiry: str,
        value: ShortValue,
        transaction: Transaction = NOTHING_KNOWN,
        *,
        key: IdempotencyKey = None,
    ) -> Verified:
        """Verifies a dynamic verification value and consumes it."""
        return self.call(payments.VerifyShort(token, trid, expiry, value, transaction), key=key)

    def issue_batch(
        self, items: Sequence[Tuple[Issue, IdempotencyKey]]
    ) -> List[Union[Issued, Refused]]:
        """Issues 1 to 1,024 in one frame. What is refused stands among the answers; it is not
        raised. Asked again after a lost connection if every item has a key."""
        return self.call(batches.IssueBatch(tuple(items)))

    def verify_batch(
        self, items: Sequence[Tuple[Verify, IdempotencyKey]]
    ) -> List[Union[Verified, Refused]]:
        """Verifies 1 to 1,024 in one frame, as `issue_batch` issues."""
        return self.call(batches.VerifyBatch(tuple(items)))

    # Tokens.

    def provision(
        self,
        card: CardSource,
        trid: str,
        *,
        consent: bool,
        authentication_provider: str,
        authentication_reference: str,
        authentication_reference_number: Optional[str] = None,
        par: Optional[str] = None,
        merchant: Optional[str] = None,
        channels: Optional[Channels] = None,
        demands: Optional[Binding] = None,
        providers: Optional[Sequence[str]] = None,
        key: IdempotencyKey = None,
    ) -> Token:
        """Saves a card and makes a token for it."""
        clear = card if isinstance(card, Card) else None
        held = card.handle if isinstance(card, HeldCard) else card if isinstance(card, bytes) else None
        request = tokens.Provision(
            trid=trid,
            consent=consent,
            authentication_provider=authentication_provider,
            authentication_reference=authentication_reference,
            pan=clear.pan if clear else None,
            expiry=clear.expiry if clear else None,
            handle=held,
            authentication_reference_number=authentication_reference_number,
            par=par,
            merchant=merchant,
            channels=channels,
            demands=demands,
            providers=None if providers is None else tuple(providers),
        )
        return self.call(request, key=key)

    def show(self, token: str) -> Token:
        """Shows a token."""
        return self.call(tokens.Show(token))

    def list(self, trid: str, *, after: Optional[int] = None, limit: int = 100) -> Page:
        """A page of a requestor's tokens, in the order in which they were made."""
        return self.call(tokens.List(trid, limit, after))

    def tokens(self, trid: str) -> Iterator[Token]:
        """All tokens of a requestor, asked for page by page."""
        after: Optional[int] = None
        while True:
            page = self.list(trid, after=after)
            yield from page.tokens
            if page.next is None:
                return
            after = page.next

    def suspend(
        self, token: str, *, provider: Optional[str] = None, key: IdempotencyKey = None
    ) -> Token:
        """Suspends a token, at one provider or at all."""
        return self.call(tokens.ChangeStatus(token, Event.SUSPEND, None, provider), key=key)

    def resume(
        self, token: str, *, provider: Optional[str] = None, key: IdempotencyKey = None
    ) -> Token:
        """Resumes a suspended token, or makes an initiated one active."""
        return self.call(tokens.ChangeStatus(token, Event.RESUME, None, provider), key=key)

    def deactivate(
        self,
        token: str,
        reason: Reason,
        *,
        provider: Optional[str] = None,
        key: IdempotencyKey = None,
    ) -> Token:
        """Deactivates a token for good."""
        return self.call(tokens.ChangeStatus(token, Event.DEACTIVATE, reason, provider), key=key)

    def renew(self, token: str, expiry: str, *, key: IdempotencyKey = None) -> Token:
        """Gives a token and its card a new expiry."""
        return self.call(tokens.Renew(token, expiry), key=key)

    def link_par(self, pan: Pan, predecessor: str, *, key: IdempotencyKey = None) -> str:
        """Has a reissued card keep the PAR of its predecessor, a token; the PAR."""
        return self.call(tokens.LinkPar(pan, predecessor), key=key).par

    def detokenize(self, token: str) -> Card:
        """Reads a token's card."""
        return self.call(tokens.Detokenize(token))

    def par(self, pan: Pan) -> str:
        """The PAR of a PAN."""
        return self.call(tokens.Par(pan)).par

    def fingerprint(self, pan: Pan) -> bytes:
        """The fingerprint of a PAN, 32 bytes."""
        return self.call(tokens.Fingerprint(pan)).fingerprint

    # Cards of the field.

    def emv_issue(
        self,
        pan: Pan,
        *,
        imported_key: str,
        method: str,
        emv_data: bytes,
        psn: Optional[str] = None,
        key: IdempotencyKey = None,
    ) -> EmvIssued:
        """Issues an application cryptogram under the card's next counter."""
        return self.call(cards.EmvIssue(pan, imported_key, method, emv_data, psn), key=key)

    def emv_verify(
        self,
        pan: Pan,
        *,
        imported_key: str,
        method: str,
        emv_data: bytes,
        cryptogram: bytes,
        psn: Optional[str] = None,
        response_code: Optional[bytes] = None,
        card_status_update: Optional[bytes] = None,
        text: Optional[bytes] = None,
        key: IdempotencyKey = None,
    ) -> EmvVerified:
        """Verifies an application cryptogram and consumes its counter."""
        answer = (response_code, card_status_update, text)
        request = cards.EmvVerify(pan, imported_key, method, emv_data, cryptogram, psn, *answer)
        return self.call(request, key=key)

    def emv_arpc(
        self,
        pan: Pan,
        *,
        imported_key: str,
        method: str,
        emv_data: bytes,
        cryptogram: bytes,
        psn: Optional[str] = None,
        response_code: Optional[bytes] = None,
        card_status_update: Optional[bytes] = None,
        text: Optional[bytes] = None,
    ) -> Arpc:
        """The answer to a right application cryptogram, whose counter may be consumed elsewhere.

        It consumes nothing, but a wrong cryptogram is a miss."""
        answer = (response_code, card_status_update, text)
        return self.call(cards.EmvArpc(pan, imported_key, method, emv_data, cryptogram, psn, *answer))

    def make_card_value(
        self,
        card: Card,
        *,
        imported_key: str,
        kind: CardValueKind,
        service_code: Optional[str] = None,
        date_order: Optional[DateOrder] = None,
    ) -> CardValue:
        """Makes a card verification value."""
        more = (service_code, date_order)
        return self.call(cards.MakeCardValue(card.pan, card.expiry, imported_key, kind, *more)).value

    def verify_card_value(
        self,
        card: Card,
        value: CardValue,
        *,
        imported_key: str,
        kind: CardValueKind,
        service_code: Optional[str] = None,
        date_order: Optional[DateOrder] = None,
        key: IdempotencyKey = None,
    ) -> None:
        """Returns if a card verification value is right, and raises `Refused` if it is not."""
        more = (service_code, date_order)
        request = cards.VerifyCardValue(card.pan, card.expiry, imported_key, kind, value, *more)
        self.call(request, key=key)

    # Held cards and entry sessions.

    def hold_card(self, card: Card, seconds: int) -> HeldCard:
        """Hands a card in before it may be saved, for 1 to 3,600 seconds."""
        return self.call(cards.HoldCard(card.pan, card.expiry, seconds))

    def release_card(self, handle: bytes) -> None:
        """Has a held card forgotten."""
        self.call(cards.ReleaseCard(handle))

    def open_entry(self, seconds: int) -> EntrySession:
        """Has a key made for a payment session of 1 to 86,400 seconds."""
        return self.call(cards.OpenEntry(seconds))

    def enter_card(self, session: bytes, ciphertext: bytes, seconds: int) -> EnteredCard:
        """Decrypts a card that a payer typed in, and holds it for 1 to 3,600 seconds."""
        return self.call(cards.EnterCard(session, ciphertext, seconds))

    def close_entry(self, session: bytes) -> None:
        """Ends a payment session."""
        self.call(cards.CloseEntry(session))


def connect(
    path: Union[str, "os.PathLike[str]"],
    *,
    name: str = "python",
    timeout: float = 30.0,
    frame: int = 65_536,
    in_flight: int = 1_024,
    reconnect: bool = True,
) -> Engine:
    """Connects to the daemon's socket.

    `name` is for the daemon's log, 1 to 64 printable ASCII characters; `timeout` the seconds
    that an operation may take; `frame` the bytes of the largest frame and `in_flight` the most
    requests under way to agree on at most; `reconnect` whether a lost connection is made anew.
    Raises `Refused` if the daemon does not know this process or has no room for it, and
    `ConnectionLost`.
    """
    return Engine(
        os.fspath(path), name=name, timeout=timeout, frame=frame, in_flight=in_flight, reconnect=reconnect
    )
