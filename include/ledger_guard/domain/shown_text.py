"""Texts of people and data as they may be shown: what acts on a terminal or on the order of letters is shown, not obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: control characters, those that turn or hide text, and what can't be encoded. Tab and line end are left to `one_line`
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def controls_shown(text: str) -> str:
    r"""`text` with each such character as an escape like `\u001b`, which JSON and people read alike."""
    return _ACTING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def one_line(text: object) -> str:
    """`text` on one line, with nothing in it that acts."""
    return controls_shown(" ".join(str(text).split()))


def quoted(text: object) -> str:
    """Somebody's words on one line between quotes that they can't end: say in front of it whose they are."""
    inner = re.sub('["\u201c\u201d\u201e\u201f\u2033\uff02]', "'", one_line(text))
    return f'"{inner}"'


def lines_shown(lines: Iterable[str]) -> str:
    """Lines one below the other; a line end within one, as an id may hold it, starts no line of its own."""
    return "\n".join(controls_shown(line).replace("\n", "\\n") for line in lines)
