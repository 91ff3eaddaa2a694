"""From a notice to Slack's Block Kit: escaped, cut to Slack's limits, and able to mention only whom the policy names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ledger_guard.domain.notices import Notice
from ledger_guard.domain.shown_text import mrkdwn, one_line

# Slack's limits, in characters of escaped text or in elements
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
FIELD_CHARACTERS = 2000
FIELDS_PER_SECTION = 10
BLOCKS_PER_MESSAGE = 50
#: of the blocks as JSON; not documented, Slack answers msg_blocks_too_long at somewhat more
MESSAGE_CHARACTERS = 12_000
FALLBACK_CHARACTERS = 3000
#: the summary, where the whole of it would leave no room for anything else
SHORT_SUMMARY_CHARACTERS = 1000

_ELLIPSIS = "…"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: what would end or split a link's address
_UNSAFE_IN_ADDRESS = {"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", '"': "%22", "\n": "%0A", "\r": "%0D", "\t": "%09"}

#: what the policy may give as a mention
_MENTION = re.compile(r"<!here>|<!channel>|<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>")

Block = dict[str, Any]


def slack_message(notice: Notice) -> dict[str, Any]:
    """`{"text": …, "blocks": […]}` as chat.postMessage takes it; `text` is what a push notification shows."""
    closing = [*_mentions(notice.mention), *_links(notice.links), *_context(notice.incident_id)]
    opening = _opening(notice, SECTION_CHARACTERS)
    if _size([*opening, *closing]) > MESSAGE_CHARACTERS:
        opening = _opening(notice, SHORT_SUMMARY_CHARACTERS)
    most_sections = BLOCKS_PER_MESSAGE - len(opening) - len(closing)
    facts = _fact_sections(notice.facts, most_sections, MESSAGE_CHARACTERS - _size([*opening, *closing]))
    text = " ".join([*_calls(notice.mention), fitted(mrkdwn(f"{notice.title}: {notice.summary}"), FALLBACK_CHARACTERS)])
    return {"text": text, "blocks": [*opening, *facts, *closing]}


def escaped(text: str) -> str:
    """`text` with Slack's three special characters written as entities: `<!channel>` stays a text."""
    return "".join(_piece(character) for character in text)


def fitted(text: str, at_most: int) -> str:
    """`text`, escaped and no longer than `at_most`; what is cut ends with an ellipsis and never within an entity."""
    # no character becomes shorter: one more than there is room for tells that it does not fit
    whole = escaped(text[: at_most + 1])
    if len(whole) <= at_most:
        return whole
    kept: list[str] = []
    room = at_most - len(_ELLIPSIS)
    for character in text:
        piece = _piece(character)
        if len(piece) > room:
            break
        kept.append(piece)
        room -= len(piece)
    return "".join(kept) + _ELLIPSIS


def _piece(character: str) -> str:
    if character.isprintable() or character == "\n":
        return _ENTITIES.get(character, character)
    return " "


def _size(blocks: Sequence[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def _opening(notice: Notice, summary_characters: int) -> list[Block]:
    header = _header(notice.title)
    if not notice.summary.strip():
        return [header]
    return [header, {"type": "section", "text": _mrkdwn(fitted(mrkdwn(notice.summary), summary_characters))}]


def _header(title: str) -> Block:
    text = fitted(" ".join(title.split()) or "Ledger Guard", HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack must not turn an id or an address inside into a mention or a link
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fact_sections(facts: Sequence[tuple[str, str]], most_sections: int, characters: int) -> Iterator[Block]:
    """Sections of up to ten fields; facts for which there is no room are counted in the last field."""
    fields = [_field(label, text) for label, text in facts]
    kept = min(len(fields), _how_many_fit(fields, characters), most_sections * FIELDS_PER_SECTION)
    if kept < len(fields):
        # one place is for the count
        kept = max(0, kept - 1)
        fields = [*fields[:kept], _mrkdwn(f"+ {len(fields) - kept} more")]
    for first in range(0, len(fields), FIELDS_PER_SECTION):
        yield {"type": "section", "fields": fields[first : first + FIELDS_PER_SECTION]}


def _how_many_fit(fields: Sequence[Block], characters: int) -> int:
    frame = _size([{"type": "section", "fields": []}])
    for number, field in enumerate(fields):
        characters -= _size([field]) + (frame if number % FIELDS_PER_SECTION == 0 else 0)
        if characters < 0:
            return number
    return len(fields)


def _field(label: str, text: str) -> Block:
    heading = f"*{fitted(mrkdwn(one_line(label).replace('*', '')) or '-', FIELD_CHARACTERS // 10)}*\n"
    return _mrkdwn(heading + fitted(mrkdwn(text.strip()) or "-", FIELD_CHARACTERS - len(heading)))


def _links(links: Sequence[tuple[str, str]]) -> list[Block]:
    """All links in one section, one per line; those that do not fit are counted."""
    lines = [_link(label, address) for label, address in links if address]
    if not lines:
        return []
    return [{"type": "section", "text": _mrkdwn(_joined(lines, SECTION_CHARACTERS, lambda left: f"+ {left} more"))}]


def _link(label: str, address: str) -> str:
    shown = fitted(mrkdwn(" ".join(label.split())) or address, HEADER_CHARACTERS)
    if not address.startswith(("http://", "https://")):
        return f"{shown}: {escaped(mrkdwn(one_line(address)))}"
    target = "".join(_UNSAFE_IN_ADDRESS.get(character, character) for character in address)
    return f"<{target.replace('&', '&amp;')}|{shown}>"


def _joined(lines: Sequence[str], at_most: int, closing: Callable[[int], str]) -> str:
    """Whole lines only, as many as fit together with a closing line about those left out."""
    for kept in range(len(lines), -1, -1):
        text = "\n".join([*lines[:kept], *([closing(len(lines) - kept)] if kept < len(lines) else [])])
        if len(text) <= at_most:
            return text
    return closing(len(lines))


def _calls(mention: str) -> list[str]:
    """The mention, if the text is exactly one; any other text could mention someone."""
    return [mention] if _MENTION.fullmatch(mention) else []


def _mentions(mention: str) -> list[Block]:
    return [{"type": "section", "text": _mrkdwn(call)} for call in _calls(mention)]


def _context(incident_id: str | None) -> list[Block]:
    if not incident_id:
        return []
    return [{"type": "context", "elements": [_mrkdwn(f"Ledger Guard · incident {fitted(mrkdwn(one_line(incident_id)), 100)}")]}]
