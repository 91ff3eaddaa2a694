"""SQL statements: one a file, read once, values always bound."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from typing_extensions import LiteralString

_FOLDER = Path(__file__).parent


@cache
def statement(name: str) -> LiteralString:
    """The text of `sql/<name>.sql`, for example `statement("guard/insert_plan")`."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
