"""What must not be seen: it shows itself to nobody who does not ask for it by name.

Python keeps copies of strings and cannot wipe them. So these classes keep secrets out of
logs, tracebacks and pickles, not out of this process's memory. A vault that must not hold a
PAN at all has the payer's browser encrypt it: see `Engine.open_entry`.
"""

from __future__ import annotations

import hmac
from typing import ClassVar, Dict, NoReturn


class Secret:
    """A text of ASCII digits that is never printed, copied out or pickled."""

    __slots__ = ("__digits",)
    least: ClassVar[int] = 1
    most: ClassVar[int] = 64

    def __init__(self, digits: str) -> None:
        """Raises `ValueError`, which does not repeat the digits, if these are none or of a
        length that they never have."""
        is_text = isinstance(digits, str) and digits.isascii() and digits.isdigit()
        if not is_text or not self.least <= len(digits) <= self.most:
            raise ValueError(f"a {type(self).__name__} has {self.least} to {self.most} digits") from None
        self.__digits = digits

    def expose(self) -> str:
        """The digits. Whoever calls this answers for where they go."""
        return self.__digits

    def __repr__(self) -> str:
        return f"{type(self).__name__}(redacted)"

    def __str__(self) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """In a time that does not tell where they differ."""
        if type(other) is not type(self) or not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__digits, other.__digits)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: Dict[int, object]) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled")


class Pan(Secret):
    """A primary account number: 12 to 19 digits. The daemon checks its Luhn digit."""

    __slots__ = ()
    least = 12
    most = 19


class CardValue(Secret):
    """A card verification value: CVV, CVV2 or iCVV, 3 digits."""

    __slots__ = ()
    least = 3
    most = 3


class ShortValue(Secret):
    """A dynamic verification value: 3 or 4 digits that pay once."""

    __slots__ = ()
    least = 3
    most = 4
