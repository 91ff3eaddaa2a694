"""What Slack refuses in a message, in Slack's own error words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_TEXT_CHARACTERS = 40_000
MOST_BLOCKS = 50
#: no documented limit: about where real workspaces answer msg_blocks_too_long
MOST_BLOCKS_CHARACTERS = 13_200
_SECTION_TEXT = 3_000
_SECTION_FIELDS = 10
_FIELD_TEXT = 2_000
_HEADER_TEXT = 150
_CONTEXT_ELEMENTS = 10
_ACTIONS_ELEMENTS = 25
_BUTTON_TEXT = 75
_URL = 3_000
_BLOCK_ID = 255


class SlackRefusal(Exception):
    """Slack's `ok: false`; `details` are the sentences it puts into response_metadata."""

    def __init__(self, error: str, details: Sequence[str] = ()) -> None:
        self.error = error
        self.details = tuple(details)
        super().__init__(error)


def checked_text(fields: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]) -> str:
    """The message's text; raises SlackRefusal when there is nothing to show, or too much."""
    text = fields.get("text") or ""
    if not isinstance(text, str):
        raise SlackRefusal("invalid_arguments", ["text must be a string"])
    if not text.strip() and not blocks:
        raise SlackRefusal("no_text")
    if len(text) > MOST_TEXT_CHARACTERS:
        raise SlackRefusal("msg_too_long")
    return text


def checked_blocks(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The message's blocks, which clients send as JSON text; raises SlackRefusal for what Slack does not show."""
    blocks = fields.get("blocks") or []
    if isinstance(blocks, str):
        try:
            blocks = json.loads(blocks)
        except json.JSONDecodeError as error:
            raise SlackRefusal("invalid_blocks_format", [f"blocks are not JSON: {error.msg}"]) from error
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackRefusal("invalid_blocks_format", ["blocks must be a list of objects"])
    if len(blocks) > MOST_BLOCKS:
        raise SlackRefusal("invalid_blocks", [f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]"])
    faults = [f"{fault} [json-pointer:/blocks/{place}]" for place, block in enumerate(blocks) for fault in _block_faults(block)]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        faults.append("block_id is used twice [json-pointer:/blocks]")
    if faults:
        raise SlackRefusal("invalid_blocks", faults)
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > MOST_BLOCKS_CHARACTERS:
        raise SlackRefusal("msg_blocks_too_long")
    return blocks


def _block_faults(block: Mapping[str, Any]) -> Iterator[str]:
    if len(str(block.get("block_id", ""))) > _BLOCK_ID:
        yield f"block_id: must be less than {_BLOCK_ID + 1} characters"
    kind = block.get("type")
    if kind == "section":
        yield from _section_faults(block)
    elif kind == "header":
        yield from _text_faults(block.get("text"), "header text", _HEADER_TEXT, kinds=("plain_text",))
    elif kind == "context":
        yield from _context_faults(block.get("elements"))
    elif kind == "actions":
        yield from _actions_faults(block.get("elements"))
    elif kind == "image":
        yield from _image_faults(block)
    elif kind != "divider":
        yield f"unsupported type: {kind}"


def _section_faults(block: Mapping[str, Any]) -> Iterator[str]:
    fields = block.get("fields")
    if "text" not in block and not fields:
        yield "a section needs text or fields"
    if "text" in block:
        yield from _text_faults(block["text"], "section text", _SECTION_TEXT)
    if fields is None:
        return
    if not isinstance(fields, list) or not 1 <= len(fields) <= _SECTION_FIELDS:
        yield f"fields must be a list of 1 to {_SECTION_FIELDS} items"
        return
    for field in fields:
        yield from _text_faults(field, "field", _FIELD_TEXT)


def _context_faults(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= _CONTEXT_ELEMENTS:
        yield f"context elements must be a list of 1 to {_CONTEXT_ELEMENTS} items"
        return
    for element in elements:
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image_faults(element)
        else:
            yield from _text_faults(element, "context text", _SECTION_TEXT)


def _actions_faults(elements: Any) -> Iterator[str]:
    if not isinstance(elements, list) or not 1 <= len(elements) <= _ACTIONS_ELEMENTS:
        yield f"actions elements must be a list of 1 to {_ACTIONS_ELEMENTS} items"
        return
    for element in elements:
        if not isinstance(element, dict) or element.get("type") != "button":
            yield "unsupported element: this stand-in knows buttons only"
            continue
        yield from _text_faults(element.get("text"), "button text", _BUTTON_TEXT, kinds=("plain_text",))
        if "url" in element and not _is_url(element["url"]):
            yield f"button url must be http(s) and at most {_URL} characters"


def _image_faults(image: Mapping[str, Any]) -> Iterator[str]:
    if not _is_url(image.get("image_url")):
        yield f"image_url must be http(s) and at most {_URL} characters"
    if not image.get("alt_text"):
        yield "alt_text is missing"


def _text_faults(text: Any, what: str, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds or not isinstance(text.get("text"), str):
        yield f"{what} must be a text object of type {' or '.join(kinds)}"
    elif not text["text"]:
        yield f"{what}: must be more than 0 characters"
    elif len(text["text"]) > most:
        yield f"{what}: must be less than {most + 1} characters"


def _is_url(address: Any) -> bool:
    return isinstance(address, str) and address.startswith(("http://", "https://")) and len(address) <= _URL
