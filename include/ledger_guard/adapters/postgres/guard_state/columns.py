"""From a domain value to the parameters of a statement."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from ledger_guard.adapters.flag_stores.store_rules import stored_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def given(record: DataclassInstance) -> dict[str, Any]:
    """The fields of `record` by name: enum members by their word, tuples as arrays, dictionaries as jsonb."""
    return {each.name: _column(getattr(record, each.name)) for each in fields(record)}


def as_jsonb(content: dict[str, Any]) -> Jsonb:
    """A jsonb parameter with the text that every store uses."""
    return Jsonb(content, dumps=stored_json)


def optional_text(identifier: object) -> str | None:
    """An identifier column's text; None stays None."""
    return None if identifier is None else str(identifier)


def _column(content: Any) -> Any:
    if isinstance(content, Enum):
        return content.value
    if isinstance(content, tuple):
        return list(content)
    if isinstance(content, dict):
        return as_jsonb(content)
    return content
