"""Texts as they may be shown: numbers, lists and spans of time in words, and nothing in people's words that acts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

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


def counted(number: int, one: str, many: str) -> str:
    """`1 approval waits`, `3 approvals wait`."""
    return f"{number} {one if number == 1 else many}"


def listed(names: Sequence[str], at_most: int, *, nobody: str = "", sign: str = "and") -> str:
    """The first names, and how many more there are: `a, b and 3 more`; of none `nobody`."""
    shown = ", ".join(map(one_line, names[:at_most])) or nobody
    return f"{shown} {sign} {len(names) - at_most} more" if len(names) > at_most else shown


def duration(length: timedelta) -> str:
    """Two units at most, rounded down: `42 s`, `9 min`, `3 h 20 min`, `2 days`. Anything negative counts as zero."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"


def lines_shown(lines: Iterable[str]) -> str:
    """Lines one below the other; a line end within one, as an id may hold it, starts no line of its own."""
    return "\n".join(controls_shown(line).replace("\n", "\\n") for line in lines)


def wrote(text: object) -> str:
    """Behind a person's name: `wrote "…"`, or that they gave no reason."""
    return f"wrote {quoted(text)}" if str(text).strip() else "gave no reason"


#: signs that Markdown or HTML acts on inside a line; `_` only where emphasis can begin or end
_MARKDOWN_SIGNS = re.compile(r"[\\`*\[\]|<~&]|(?<!\w)_+|_+(?!\w)")
#: what begins a heading, quote, list or underline where it begins a line: nothing, or the number of a list's item
_MARKDOWN_START = re.compile(r"\d{1,9}(?=[.)](?:\s|$))|(?=#{1,6}(?:\s|$)|[>=]|[-+](?:\s|$))")
#: words that renderers turn into links, mails and mentions by themselves, whatever is escaped in them
_LINKED = re.compile(r"(?i)://|\bwww\.|\b(?:mailto|xmpp|javascript|data):|\S@\S+\.|(?<![^\W_])@\w")


def markdown(text: object) -> str:
    """`text` as one line of Markdown that shows it and does nothing: no markup, link, image, mention or HTML of it survives.

    Words that would become links by themselves stand as code.
    """
    shown = " ".join(
        _as_code(word) if _LINKED.search(word) else _MARKDOWN_SIGNS.sub(_escaped, word) for word in one_line(text).split(" ")
    )
    start = _MARKDOWN_START.match(shown)
    return f"{shown[: start.end()]}\\{shown[start.end() :]}" if start else shown


def _escaped(signs: re.Match[str]) -> str:
    return "".join(f"\\{sign}" for sign in signs.group())


def _as_code(word: str) -> str:
    word = word.replace("|", "%7C")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", word)), default=0))
    space = " " if "`" in word else ""
    return f"{fence}{space}{word}{space}{fence}"


#: look-alikes of the signs that Slack's mrkdwn acts on, which it has no escape for
_LOOK_ALIKES = {"*": "\u2217", "~": "\u223c", "`": "\u02cb"}
_EMPHASIS = re.compile(r"(?<!\w)_+(?=\S)|(?<=\S)_+(?!\w)")
_EMOJI = re.compile(r":(?=(?:[a-z0-9_+'-]*[a-z_+'-][a-z0-9_+'-]*|100|1234):)", re.IGNORECASE)
_QUOTE = re.compile(r"^(\s*)>", re.MULTILINE)


def mrkdwn(text: str) -> str:
    """`text` with the signs that Slack acts on as look-alikes, where they would act; its length and lines stay.

    `&`, `<` and `>` are the caller's to write as entities, since these count when a text is cut.
    """
    shown = text
    for sign, look_alike in _LOOK_ALIKES.items():
        if shown.count(sign) > 1:
            shown = shown.replace(sign, look_alike)
    if len(_EMPHASIS.findall(shown)) > 1:
        shown = _EMPHASIS.sub(lambda run: "\uff3f" * len(run.group()), shown)
    return _QUOTE.sub("\\1\u203a", _EMOJI.sub("\u2236", shown))
