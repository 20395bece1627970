"""The thread that owns the connection: it sends, receives, keeps deadlines and reconnects.

One thread reads and writes, so a caller never waits in a write that only a read could end.
Others give it requests through a queue, and get futures.
"""

from __future__ import annotations

import collections
import logging
import math
import os
import select
import socket
import threading
import time
from concurrent.futures import Future
from typing import Deque, List, Optional, Sequence, Tuple

from .body import Malformed
from .errors import ConnectionLost, ProtocolError, Refused, RequestError, TallystickError, TimedOut
from .frame import Frame
from .link import GoneAway, Link, Waiting, refusal_text
from .service import Hello, Welcome
from .status import Status

_LOG = logging.getLogger("tallystick")
#: Seconds between attempts to reconnect: the first, doubled up to the last.
_FIRST_PAUSE, _LAST_PAUSE = 0.01, 1.0
_CLOSED = "this client is closed"


class Loop:
    """Requests in, futures out."""

    def __init__(self, path: str, hello: Hello, timeout: float, reconnect: bool) -> None:
        self._path, self._hello, self._timeout, self._reconnect = path, hello, timeout, reconnect
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._has_room = threading.Condition(self._lock)
        # Under the lock: what callers gave, and whether they may give more.
        self._queue: Deque[Waiting] = collections.deque()
        self._is_closing = False
        self._is_aborted = False
        self._is_woken = False
        # No deadline is before this; later ones are looked for when it has come.
        self._next_scan = math.inf
        # Of the thread alone.
        self._link: Optional[Link] = None
        self._link_until = 0.0
        self._next_try = 0.0
        self._pause = _FIRST_PAUSE
        self._why = "no connection"
        #: Completed when the first connection is agreed on, or could not be made.
        self.first: "Future[Welcome]" = Future()
        self._wakes, self._wake = socket.socketpair()
        self._wakes.setblocking(False)
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="tallystick", daemon=True)
        self._thread.start()

    # What callers do.

    def submit(self, waiting: Sequence[Waiting]) -> None:
        """Puts requests on their way, those given together in one write if they fit. Waits
        while as many are queued as may be in flight."""
        if os.getpid() != self._process:
            # The kernel told the daemon who opened the connection; and the thread stayed there.
            raise RequestError("a connection is of the process that opened it")
        with self._has_room:
            for one in waiting:
                self._wait_for_room(one)
                self._queue.append(one)
                self._next_scan = min(self._next_scan, one.deadline)
            self._wake_thread()

    def _wait_for_room(self, one: Waiting) -> None:
        while not self._is_closing and len(self._queue) >= self._hello.in_flight:
            self._wake_thread()
            # A callback of a future runs on the thread that would make room.
            if threading.current_thread() is self._thread:
                break
            if not self._has_room.wait(one.deadline - time.monotonic()):
                raise TimedOut("no room came free in time", outcome_unknown=False)
        if self._is_closing:
            raise ConnectionLost(_CLOSED, outcome_unknown=False)

    def close(self, wait: bool) -> None:
        """Takes nothing more on; what is under way is waited for, or given up."""
        with self._has_room:
            self._is_closing = True
            self._is_aborted = self._is_aborted or not wait
            self._has_room.notify_all()
            self._wake_thread()
        if os.getpid() == self._process and threading.current_thread() is not self._thread:
            self._thread.join()

    def _wake_thread(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            try:
                self._wake.send(b"\0")
            except OSError:
                pass

    # What the thread does.

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self._end(ConnectionLost(_CLOSED, outcome_unknown=True))
        except BaseException as error:
            # A fault of ours must leave nobody waiting. Its text might show what it met.
            self._end(ProtocolError(f"a fault of the client: {type(error).__name__}", outcome_unknown=True))
        finally:
            self._wakes.close()
            self._wake.close()

    def _turn(self) -> bool:
        """Waits for something to do and does it. Tells whether there will be more."""
        if self._is_over():
            return False
        self._expire(time.monotonic())
        self._connect(time.monotonic())
        self._feed()
        try:
            self._exchange()
        except Refused as refused:
            self._turned_away(refused)
        except ConnectionLost as lost:
            self._drop(lost)
        return True

    def _is_over(self) -> bool:
        with self._lock:
            has_work = bool(self._queue) or (self._link is not None and bool(self._link.waiting))
            return self._is_aborted or (self._is_closing and not has_work)

    def _expire(self, now: float) -> None:
        """Gives up what is overdue. An answer that comes late is dropped."""
        link = self._link
        with self._has_room:
            if now < self._next_scan:
                return
            under_way = [] if link is None else [one for one in link.waiting.values() if not one.future.done()]
            every = [*self._queue, *under_way]
            overdue = [one for one in every if one.deadline <= now]
            self._queue = collections.deque(one for one in self._queue if one.deadline > now)
            self._next_scan = min((one.deadline for one in every if one.deadline > now), default=math.inf)
            self._has_room.notify_all()
        why = f"no answer in time ({self._why})" if link is None else "no answer in time"
        for one in overdue:
            one.future.set_exception(TimedOut(why, outcome_unknown=self._may_be_done(one)))

    def _may_be_done(self, one: Waiting) -> bool:
        link = self._link
        return one.again or (link is not None and one.end > 0 and link.was_sent(one))

    def _connect(self, now: float) -> None:
        with self._lock:
            is_needed = bool(self._queue) or not self.first.done()
        if self._link is None and is_needed and now >= self._next_try:
            try:
                self._link, self._link_until = Link(self._path, self._hello), now + self._timeout
            except ConnectionLost as lost:
                self._failed(lost)

    def _failed(self, why: TallystickError) -> None:
        """Takes note that there is no connection; another is tried after a pause."""
        self._why = str(why.args[0]) if isinstance(why, ConnectionLost) else str(why)
        self._next_try = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LAST_PAUSE)
        if not self.first.done():
            if isinstance(why, ConnectionLost):
                why = type(why)(self._why, outcome_unknown=False)
            self.first.set_exception(why)

    def _feed(self) -> None:
        """Moves requests from the queue onto the connection."""
        link, too_large = self._link, []
        if link is None or link.agreed is None:
            return
        with self._has_room:
            while self._queue and link.has_room:
                one = self._queue.popleft()
                if link.fits(one.body):
                    link.send(one)
                else:
                    too_large.append(one)
            self._has_room.notify_all()
        for one in too_large:
            error = RequestError(f"more than the largest frame, {link.agreed.frame} bytes")
            one.future.set_exception(error)

    def _exchange(self) -> None:
        """Waits until something can be read or written, and does that."""
        link, poll = self._link, select.poll()
        poll.register(self._wakes, select.POLLIN)
        if link is not None:
            poll.register(link, select.POLLIN | (select.POLLOUT if link.has_more else 0))
        events = dict(poll.poll(self._patience()))
        if self._wakes.fileno() in events:
            with self._lock:
                self._is_woken = False
                self._wakes.recv(16)
        if link is None:
            return
        event = events.get(link.fileno(), 0)
        if event & ~select.POLLOUT:
            self._read(link)
        if event & select.POLLOUT:
            try:
                link.write()
            except ConnectionLost:
                self._last_words(link)
                raise
        if link.agreed is None and time.monotonic() >= self._link_until:
            raise ConnectionLost("no WELCOME in time", outcome_unknown=False)

    def _read(self, link: Link) -> None:
        for one, frame in link.read():
            self._answer(one, frame)
        if link.agreed is not None and not self.first.done():
            self.first.set_result(link.agreed)

    def _last_words(self, link: Link) -> None:
        """Nobody reads any more; answers and a goodbye may have come before."""
        poll = select.poll()
        poll.register(link, select.POLLIN)
        while poll.poll(0):
            self._read(link)

    def _patience(self) -> Optional[float]:
        """Milliseconds until there is something to do anyway."""
        with self._lock:
            until = self._next_scan
            if self._link is None and self._queue:
                until = min(until, self._next_try)
        if self._link is not None and self._link.agreed is None:
            until = min(until, self._link_until)
        return None if until == math.inf else max(0.0, math.ceil((until - time.monotonic()) * 1000))

    def _answer(self, one: Waiting, frame: Frame) -> None:
        self._pause = _FIRST_PAUSE
        if one.future.done():
            return
        if frame.status != Status.OK:
            one.future.set_exception(Refused(frame.status, refusal_text(frame.body), again=one.again))
            return
        try:
            reply = one.request.accept(frame.body, one.again)
        except Malformed:
            error = ProtocolError("the daemon's reply cannot be read", outcome_unknown=True)
            one.future.set_exception(error)
        else:
            one.future.set_result(reply)

    def _turned_away(self, refused: Refused) -> None:
        """The daemon does not want to speak with us now."""
        self._drop_link()
        self._failed(refused)
        if refused.status is Status.BUSY:
            return
        with self._has_room:
            queue, self._queue = self._queue, collections.deque()
            self._has_room.notify_all()
        for one in queue:
            one.future.set_exception(Refused(refused.code, refused.text, again=one.again))

    def _drop(self, lost: ConnectionLost) -> None:
        """The connection is over: what has a key is asked again on another, the rest is told."""
        again: List[Waiting] = []
        told: List[Tuple[Waiting, bool]] = []
        is_fatal = isinstance(lost, ProtocolError) or not self._reconnect
        is_goodbye = isinstance(lost, GoneAway)
        for one in self._drop_link():
            was_sent = one.end > 0 and not is_goodbye
            if is_fatal or (was_sent and not one.is_repeatable):
                told.append((one, was_sent or one.again))
            else:
                one.again, one.end = one.again or was_sent, 0
                again.append(one)
        _LOG.warning("%s; %d requests are asked again, %d are lost", lost.args[0], len(again), len(told))
        with self._has_room:
            self._queue.extendleft(reversed(again))
            if not self._reconnect:
                self._is_closing = True
                told += [(one, one.again) for one in self._queue]
                self._queue.clear()
            self._has_room.notify_all()
        self._failed(lost)
        kind = ProtocolError if isinstance(lost, ProtocolError) else ConnectionLost
        for one, may_be_done in told:
            one.future.set_exception(kind(lost.args[0], outcome_unknown=may_be_done))

    def _drop_link(self) -> List[Waiting]:
        """Closes the connection. What waited on it, its `end` zero if it was not sent whole."""
        link, self._link = self._link, None
        if link is None:
            return []
        left = [one for one in link.waiting.values() if not one.future.done()]
        for one in left:
            one.end = one.end if link.was_sent(one) else 0
        link.close()
        return left

    def _end(self, why: ConnectionLost) -> None:
        """Nobody is left waiting."""
        left = self._drop_link()
        with self._has_room:
            self._is_closing = True
            left += self._queue
            self._queue.clear()
            self._has_room.notify_all()
        if not self.first.done():
            self.first.set_exception(type(why)(why.args[0], outcome_unknown=False))
        for one in left:
            may_be_done = one.again or one.end > 0
            one.future.set_exception(type(why)(why.args[0], outcome_unknown=may_be_done))
