"""JSON Lines: one object a line, its fields found through the policy's mapping."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ledger_guard.adapters.access_log.line_fields import LineFields, UnusableLine
from ledger_guard.policy.platform import AccessLogMapping

_ABSENT = object()
#: more digits than any number of a log has
_MOST_DIGITS = 40
#: nginx without `escape=json` writes other bytes than plain ASCII so, which JSON does not know
_HEX_ESCAPES = re.compile(r"\\\\|((?:\\x[0-9A-Fa-f]{2})+)")


class JsonLineReader:
    """Reads a line by a mapping whose names are dotted paths (`http.status` is `status` within `http`)."""

    def __init__(self, mapping: AccessLogMapping) -> None:
        self._mapping = mapping

    def __call__(self, line: str) -> LineFields:
        """The line's fields; raises UnusableLine when it is not an object or lacks time, method, path or status."""
        found = _parsed(line)
        names = self._mapping
        error_code = _at(found, names.error_code)
        return LineFields(
            event_time=_needed(found, names.event_time),
            tenant=_optional(found, names.tenant_id),
            method=_needed(found, names.method),
            path=_needed(found, names.path),
            status=_needed(found, names.status),
            subject_id=_optional(found, names.subject_id),
            provider=_optional(found, names.provider),
            request_id=_optional(found, names.request_id),
            error_code=None if error_code is _ABSENT else error_code,
            # A field that is there and empty says "no code"; a field that is not there says nothing.
            error_code_is_known=error_code is not _ABSENT,
            amount=_optional(found, names.amount),
            source_address=_optional(found, names.source_address),
        )


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = _loaded(line)
    except (ValueError, RecursionError) as error:
        raise UnusableLine(f"is not JSON: {str(error)[:80]}") from error
    if not isinstance(found, dict):
        raise UnusableLine(f"is JSON but not an object: {type(found).__name__}")
    return found


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return json.loads(_HEX_ESCAPES.sub(_as_json_text, line) if "\\x" in line else line, parse_int=_whole)


def _whole(digits: str) -> float:
    """A whole number. Python reads none of thousands of digits, and a client that sends one must not spoil its line."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def _as_json_text(escapes: re.Match[str]) -> str:
    if not escapes[1]:
        return escapes[0]
    content = bytes.fromhex(escapes[1].replace("\\x", "")).decode("utf-8", errors="replace")
    return json.dumps(content)[1:-1]


def _needed(found: dict[str, Any], name: str) -> Any:
    content = _at(found, name)
    if content is _ABSENT or content is None:
        raise UnusableLine(f"has no field {name!r}")
    return content


def _optional(found: dict[str, Any], name: str | None) -> Any:
    content = _at(found, name)
    return None if content is _ABSENT else content


def _at(found: dict[str, Any], name: str | None) -> Any:
    """What stands there; a list of one counts as what is in it, as headers are logged."""
    if name is None:
        return _ABSENT
    place: Any = found
    if name in found:
        place = found[name]
    else:
        for part in name.split("."):
            if not isinstance(place, dict) or part not in place:
                return _ABSENT
            place = place[part]
    return place[0] if isinstance(place, list) and len(place) == 1 else place
