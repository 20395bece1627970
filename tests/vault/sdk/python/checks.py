"""What every driver checks with: one line a step, a count at the end, and no card
number in anything that is printed."""

import base64
import os
import re
import sys
import traceback
import urllib.error
import urllib.request
import uuid

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PAR = r"[0-9A-Z]{29}"

# The sandbox's cards.
VISA = "4111111111111111"
OTHER_VISA = "4012888888881881"
MASTERCARD = "5555555555554444"
RUPAY = "6074820000000009"
SUSPENDED = "4000000000000341"
SUSPENDED_AT_ONE = "4000000000000432"
EXPIRED = "4000000000000523"
NEVER_ACTIVE = "4000000000000614"
DECLINED = "4000000000000002"
ISSUER_SILENT = "4000000000000119"
TOKENISER_SILENT = "4000000000000259"


def redacted(text):
    """The text without runs of digits that are long enough for a card number."""
    return re.sub(r"\d(?:[ -]?\d){11,18}", "(digits)", str(text))


class Failed(Exception):
    pass


class Checks:
    def __init__(self):
        self.count = 0
        self.at = 0

    def that(self, held, what, expected, got):
        self.count += 1
        if not held:
            raise Failed(redacted(f"{what}: expected {expected}, got {got!r}"))

    def equal(self, what, expected, got):
        # In Python 1 == True and 1 == 1.0, in JSON they differ.
        alike = type(expected) is type(got) or {type(expected), type(got)} == {int, float}
        self.that(alike and expected == got, what, repr(expected), got)

    def differ(self, what, one, other):
        self.that(one != other, what, "two different values", one)

    def among(self, what, expected, got):
        self.that(got in expected, what, f"one of {expected}", got)

    def like(self, what, pattern, got):
        held = isinstance(got, str) and re.fullmatch(pattern, got) is not None
        self.that(held, what, f"a string like {pattern}", got)

    def is_a(self, what, kind, got):
        held = isinstance(got, kind) and not (isinstance(got, bool) and kind is not bool)
        self.that(held, what, kind, got)

    def fields(self, what, expected, got):
        """Each field equals a value, or matches a compiled pattern, or is of a type."""
        self.is_a(what, dict, got)
        for name, value in expected.items():
            path = f"{what}.{name}"
            self.that(name in got, path, "the field", "none")
            if isinstance(value, re.Pattern):
                self.like(path, value.pattern, got[name])
            elif isinstance(value, dict):
                self.fields(path, value, got[name])
            elif isinstance(value, (type, tuple)):
                self.is_a(path, value, got[name])
            else:
                self.equal(path, value, got[name])

    def raises(self, what, kind, call, *args, **named):
        """The exception, which must be of just this type."""
        try:
            answer = call(*args, **named)
        except Exception as error:
            self.that(type(error) is kind, what, kind.__name__, f"{type(error).__name__}: {error}")
            return error
        self.that(False, what, kind.__name__, answer)

    def cryptogram(self, what, got):
        """20 bytes in canonical base64: 28 characters with nothing after the last byte."""
        self.like(what, r"[A-Za-z0-9+/]{27}=", got)
        self.equal(what, got, base64.b64encode(base64.b64decode(got)).decode())
        self.equal(what, 20, len(base64.b64decode(got)))

    def step(self, name):
        print(f"ok {name} ({self.count - self.at})", flush=True)
        self.at = self.count


def visit(url, outcome=None):
    """The customer's browser at the authentication page; with an outcome, the button
    that was pressed. Whatever the page answers, the payment is what is looked at."""
    if outcome is not None:
        url += ("&" if "?" in url else "?") + f"outcome={outcome}"
    asked = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        urllib.request.urlopen(asked, timeout=60).read()
    except urllib.error.HTTPError as error:
        if error.code >= 500 and error.code != 504:
            raise


def some(prefix):
    """An id that was not used before."""
    return prefix + uuid.uuid4().hex[:12]


def env(name):
    return os.environ[name]


def main(run):
    """Runs a driver with checks and the base URL; says how many checks held."""
    checks = Checks()
    try:
        run(checks, sys.argv[1].rstrip("/"))
    except Exception as error:
        # Values stand in the messages of the libraries' exceptions, not in the lines.
        for frame in traceback.extract_tb(error.__traceback__):
            print(f"  {os.path.basename(frame.filename)}:{frame.lineno} {frame.name}", file=sys.stderr)
        name = "FAILED" if isinstance(error, Failed) else f"FAILED {type(error).__name__}"
        print(f"{name}: {redacted(error)}", file=sys.stderr)
        sys.exit(1)
    print(f"{checks.count} checks")
