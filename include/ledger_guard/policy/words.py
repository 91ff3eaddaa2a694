"""Kinds of text that several sections and checks of the policy share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, GetPydanticSchema
from pydantic_core import core_schema

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identities import bare, is_visible
from ledger_guard.domain.signals import Trigger

#: path in the file, and `problem; allowed: …`
Problem = tuple[str, str]
#: placeholder words
PLACEHOLDER = re.compile(r"\b(tbd|tba|todo|fixme|xxx+|changeme)\b|^\W*$", re.IGNORECASE)

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path; allowed: a path that begins with '/'")
    return path


def _variable_name(name: str) -> str:
    # A value put here by mistake may be a secret: it is not shown.
    if not _VARIABLE_NAME.fullmatch(name):
        raise ValueError("is not a variable name; allowed: a name, never its value")
    return name


def _http_url(url: str) -> str:
    # A URL with a login in it is not shown.
    if not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", url):
        raise ValueError("is not an address; allowed: http:// or https://, a host, a path, without a login")
    return url


def _trigger(word: str) -> Trigger:
    try:
        return Trigger(word)
    except BadInputError as error:
        raise ValueError(str(error).removeprefix("trigger: ")) from error


_TRIGGER_SCHEMA = core_schema.no_info_after_validator_function(_trigger, core_schema.str_schema())

TriggerWord = Annotated[Trigger, GetPydanticSchema(lambda _source, _handler: _TRIGGER_SCHEMA)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
VariableName = Annotated[str, AfterValidator(_variable_name)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
ConnectionId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


def is_name_of_a_login(name: str) -> bool:
    """Whether a person may log in by this name: no placeholder, nothing unseen, and not a name that was only stated."""
    return (
        name == name.strip() and is_visible(name) and name.isprintable() and not PLACEHOLDER.search(name) and bare(name) == name
    )
