"""Domain values as JSON: what `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ledger_guard.domain.windows import Window, iso


def json_form(content: Any) -> Any:
    """Dataclasses by field, enum members by their word, times as UTC text, windows by start and end.

    Raises:
        TypeError: something in it has no such form.
    """
    if content is None or isinstance(content, str | int | float | datetime | Window):
        return _value(content)
    if isinstance(content, Mapping):
        return {str(key): json_form(each) for key, each in content.items()}
    if is_dataclass(content) and not isinstance(content, type):
        return {each.name: json_form(getattr(content, each.name)) for each in fields(content)}
    if isinstance(content, set | frozenset):
        return sorted(json_form(each) for each in content)
    if isinstance(content, list | tuple):
        return [json_form(each) for each in content]
    raise TypeError(f"{type(content).__name__} has no JSON form")


def _value(content: str | float | datetime | Window | None) -> Any:
    if isinstance(content, Enum):
        return content.value
    if isinstance(content, datetime):
        return iso(content)
    if isinstance(content, Window):
        return {"start": iso(content.start), "end": iso(content.end)}
    return content
