"""What the tests against a daemon that misbehaves have in common."""

import logging
import unittest
from concurrent.futures import Future
from typing import Any

import tallystick
from tallystick import Engine, Issue, Issued

from .fake import LONG, Fake

TOKEN, TRID = "4895370012003478", "40010030273"
ISSUE = Issue(TOKEN, TRID)
#: A time after which a test gives up on an answer that must not come.
SHORT = 0.2


def issued(number: int) -> bytes:
    return Issue.write_reply(Issued(number.to_bytes(20, "big"), "2912"))


def number_of(reply: Issued) -> int:
    return int.from_bytes(reply.cryptogram, "big")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        logging.getLogger("tallystick").setLevel(logging.ERROR)

    def engine(self, fake: Fake, **more: Any) -> Engine:
        engine = tallystick.connect(fake.path, **{"timeout": LONG, **more})
        self.addCleanup(engine.close, wait=False)
        return engine

    def error(self, future: "Future[Any]") -> BaseException:
        error = future.exception(LONG)
        assert error is not None
        return error
