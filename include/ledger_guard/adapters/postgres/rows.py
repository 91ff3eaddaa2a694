"""Between domain values and statements: parameters and columns have the names of the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from psycopg import Cursor
from psycopg.rows import BaseRowFactory, RowMaker, no_result
from psycopg.types.json import Jsonb

from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.domain.signals import Trigger
from ledger_guard.sql import statement

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def given(record: DataclassInstance) -> dict[str, Any]:
    """The fields of `record` by name: enum members by their word, tuples as arrays, dictionaries as jsonb."""
    return {each.name: _column(getattr(record, each.name)) for each in fields(record)}


def as_jsonb(content: dict[str, Any]) -> Jsonb:
    """A jsonb parameter with the text that every store uses."""
    return Jsonb(content, dumps=stored_json)


def rows_as(kind: type[T]) -> BaseRowFactory[T]:
    """A row factory as psycopg's `class_row`, for dataclasses whose fields may be words of an enum, tuples or dataclasses too."""

    def of_cursor(cursor: Any) -> RowMaker[T]:
        if cursor.description is None:
            return no_result
        names = [column.name for column in cursor.description]
        conversions = [(name, convert) for name, convert in _conversions(kind) if name in names]

        def made(row: Sequence[Any]) -> T:
            found = dict(zip(names, row, strict=True))
            for name, convert in conversions:
                if (content := found[name]) is not None:
                    found[name] = convert(content)
            return kind(**found)

        return made

    return of_cursor


def value_of(kind: type[T], row: Mapping[str, Any]) -> T:
    """The dataclass in a row that has other columns beside."""
    found = {each.name: row[each.name] for each in fields(kind) if each.name in row}
    converted = {name: convert(found[name]) for name, convert in _conversions(kind) if found.get(name) is not None}
    return kind(**found | converted)


class Store:
    """Statements on a connection, in the transaction of whoever opened it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _execute(self, name: str, /, **bound: Any) -> Cursor[Row]:
        return self._connection.execute(statement(name), bound)

    def _row(self, name: str, /, **bound: Any) -> Row | None:
        return self._execute(name, **bound).fetchone()

    def _one(self, kind: type[T], name: str, /, **bound: Any) -> T | None:
        with self._connection.cursor(row_factory=rows_as(kind)) as cursor:
            return cursor.execute(statement(name), bound).fetchone()

    def _all(self, kind: type[T], name: str, /, **bound: Any) -> list[T]:
        with self._connection.cursor(row_factory=rows_as(kind)) as cursor:
            return cursor.execute(statement(name), bound).fetchall()


@cache
def _conversions(kind: type[Any]) -> list[tuple[str, Callable[[Any], Any]]]:
    """What turns a column into its field, for fields of which the driver gives something else."""
    found = ((name, _conversion(hint)) for name, hint in get_type_hints(kind).items())
    return [(name, convert) for name, convert in found if convert is not None]


def _conversion(hint: Any) -> Callable[[Any], Any] | None:
    members = [each for each in get_args(hint) if each is not NoneType] if NoneType in get_args(hint) else [hint]
    kind: Any = get_origin(members[0]) or members[0]
    if hasattr(kind, "__dataclass_fields__"):
        return lambda found: kind(**found)
    is_word = isinstance(kind, type) and issubclass(kind, Enum | Trigger)
    return kind if is_word or kind in {tuple, frozenset, bytes} else None


def _column(content: Any) -> Any:
    if isinstance(content, Enum):
        return content.value
    if isinstance(content, tuple):
        return list(content)
    return as_jsonb(content) if isinstance(content, dict) else content
