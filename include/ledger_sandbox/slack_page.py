"""Shows the stand-in's channels to people: what they would see in Slack, threads included."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from ledger_sandbox.slack_workspace import PostedMessage, Workspace

_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_CODE = re.compile(r"`([^`\n]+)`")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def channel_page(workspace: Workspace) -> str:
    """The whole workspace as one HTML page."""
    messages = workspace.messages
    replies: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if message.thread_ts is not None:
            replies.setdefault(message.thread_ts, []).append(_shown(message))
    channels = {
        name: [
            {**_shown(message), "replies": replies.get(message.ts, [])}
            for message in messages
            if message.channel == channel_id and message.thread_ts is None
        ]
        for name, channel_id in workspace.channel_ids.items()
    }
    return _TEMPLATES.get_template("slack_channel.html").render(channels=channels)


def mrkdwn(text: str) -> Markup:
    """Slack's markup as HTML: links, bold, code and line breaks; everything else is shown as it stands."""
    shown, rest = Markup(), 0
    for link in _LINK.finditer(text):
        address, label = link.group(1), link.group(2) or link.group(1)
        shown += _emphasis(text[rest : link.start()])
        shown += Markup('<a href="{}" rel="noreferrer">{}</a>').format(_plain(address), _plain(label))
        rest = link.end()
    return shown + _emphasis(text[rest:])


def _emphasis(text: str) -> Markup:
    html = str(escape(_plain(text)))
    html = _CODE.sub(r"<code>\1</code>", html)
    html = _BOLD.sub(r"<strong>\1</strong>", html)
    return Markup(html.replace("\n", "<br>"))  # noqa: S704  escaped above; only these tags were added


def _plain(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def _shown(message: PostedMessage) -> dict[str, Any]:
    at = datetime.fromtimestamp(float(message.ts), tz=timezone.utc)
    parts = [part for block in message.blocks for part in _parts(block)] or [{"kind": "text", "html": mrkdwn(message.text)}]
    return {"ts": message.ts, "at": f"{at:%H:%M:%S}", "who": message.username or "ledger-guard", "parts": parts}


def _parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    """What one block shows, for the template."""
    kind = block["type"]
    if kind in ("header", "divider"):
        return [{"kind": kind, "html": block.get("text", {}).get("text", "")}]
    if kind == "section":
        parts = [{"kind": "text", "html": _text(block["text"])}] if "text" in block else []
        return [*parts, {"kind": "fields", "items": [_text(field) for field in block.get("fields", [])]}]
    if kind == "actions":
        buttons = [{"label": button["text"]["text"], "url": button.get("url")} for button in block["elements"]]
        return [{"kind": "buttons", "items": buttons}]
    if kind == "context":
        return [{"kind": "context", "items": [_text(element) for element in block["elements"] if "text" in element]}]
    return [{"kind": "text", "html": block["alt_text"]}]


def _text(text: dict[str, str]) -> Markup:
    return mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])
