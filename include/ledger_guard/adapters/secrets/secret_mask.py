"""Takes secrets out of text before anything keeps or shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
#: shorter values are not masked: they would be masked in every other word
_SHORTEST = 4
_LOGIN_IN_URL = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)")


#: words before a secret, masked even if it is also someone's name
_SAID_TO_BE_SECRET = re.compile(r"(?:pass(?:word|wd|phrase)?|pwd|secret|token)\W{1,5}\Z", re.IGNORECASE)


class SecretMask:
    """Replaces known values by `***`: whole, line by line, and as they look in a URL; names that people need stay."""

    def __init__(self, values: Iterable[str], passwords: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        """`values` shorter than four characters are left alone; `passwords` are masked however short.

        A password that short is masked as a word of its own only: it is a part of too many others. `names` (the tenant's) are
        left as they are where they stand as a whole word, even when a secret is a part of them, unless one is called a
        password there.
        """
        found = {line for value in values for line in (value, *value.splitlines()) if len(line) >= _SHORTEST}
        for password in passwords:
            found |= {password, unquote(password), quote(password), quote(password, safe=""), quote_plus(password)}
        self._secrets, self._names = frozenset(found - {""}), frozenset(names) - {""}
        patterns = [(name, _whole_word(name)) for name in self._names]
        patterns += [(word, re.escape(word) if len(word) >= _SHORTEST else _whole_word(word)) for word in self._secrets]
        # The longest first: a value may be part of another one, or of a name, and a name of a value.
        longest_first = sorted(patterns, key=lambda pattern: len(pattern[0]), reverse=True)
        self._found = re.compile("|".join(pattern for _, pattern in longest_first)) if longest_first else None

    def masked(self, text: str) -> str:
        """`text` without the values, and without the login of any URL in it."""
        if self._found is not None:
            text = self._found.sub(self._shown, text)
        return _LOGIN_IN_URL.sub(MASK, text)

    def _shown(self, found: re.Match[str]) -> str:
        word, before = found.group(), found.string[: found.start()]
        if word not in self._names:
            return MASK
        return MASK if word in self._secrets and _SAID_TO_BE_SECRET.search(before) else word


def _whole_word(word: str) -> str:
    return rf"(?<![\w-]){re.escape(word)}(?![\w-])"


def password_in(url: str) -> str:
    """The password within a URL as written there (still quoted), or an empty text."""
    try:
        return urlsplit(url).password or ""
    except ValueError:
        # no URL after all: the whole value is masked, as every variable's is
        return ""
