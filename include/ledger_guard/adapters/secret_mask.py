"""Takes secrets out of text before anything keeps or shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
#: a shorter value of a variable says nothing, and would be struck out of every other word
_SHORTEST = 4
_LOGIN_IN_URL = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)")


class SecretMask:
    """Replaces known values by `***`: whole, line by line, and as they look in a URL."""

    def __init__(self, values: Iterable[str], passwords: Iterable[str] = ()) -> None:
        """`values` shorter than four characters are left alone; `passwords` are masked however short."""
        found = {line for value in values for line in (value, *value.splitlines()) if len(line) >= _SHORTEST}
        for password in passwords:
            found |= {password, unquote(password), quote(password), quote(password, safe=""), quote_plus(password)}
        # The longest first: a value may be part of another one.
        longest_first = sorted(found - {""}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def masked(self, text: str) -> str:
        """`text` without the values, and without the login of any URL in it."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        return _LOGIN_IN_URL.sub(MASK, text)


def password_in(url: str) -> str:
    """The password within a URL as it stands there (still quoted), or an empty text."""
    return urlsplit(url).password or ""
