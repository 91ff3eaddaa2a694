"""Turns pydantic's errors into lines that an operator can act on: `path.to.key: problem; allowed: …`."""

from __future__ import annotations

import difflib
import re
import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ledger_guard.policy.yaml_text import join

_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_SIZES = {
    "too_short": ("min_length", "at least {} entries"),
    "too_long": ("max_length", "at most {} entries"),
    "string_too_short": ("min_length", "at least {} characters"),
    "string_too_long": ("max_length", "at most {} characters"),
}
#: not repeated in messages: it may be a secret put here by mistake
_NEVER_SHOWN = ("secrets",)


def problem_lines(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line per error, in the order of the model's fields."""
    return [
        f"{_path(_without_tags(detail['loc'], model))}: {_problem(detail, model)}" for detail in error.errors(include_url=False)
    ]


def _path(loc: tuple[int | str, ...]) -> str:
    place = ""
    for key in loc:
        if key != "[key]":
            place = join(place, key)
    return place or "policy"


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> str:  # noqa: C901, PLR0911 - one return a kind of error
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    shown = _shown(detail["input"], loc)
    if kind == "missing":
        return "is missing; allowed: a value (it is required)"
    if kind == "extra_forbidden":
        return f"is an unknown key; {_known_keys(loc, model)}"
    if kind in {"enum", "literal_error"}:
        return f"{shown} is unknown; allowed: {_words(str(context['expected']))}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"is {shown}; allowed: {words} {context[bound]}"
    if kind in _SIZES:
        bound, words = _SIZES[kind]
        return f"{shown} is too {'short' if bound == 'min_length' else 'long'}; allowed: {words.format(context[bound])}"
    if kind in _KINDS:
        return f"{shown} is not {_KINDS[kind]}; allowed: {_KINDS[kind]}"
    if kind == "string_pattern_mismatch":
        return f"{shown} has the wrong format; allowed: a text that matches {context['pattern']}"
    if kind == "union_tag_invalid":
        return f"{context['tag']!r} is unknown; allowed: {_words(str(context['expected_tags']))}"
    if kind == "union_tag_not_found":
        return f"lacks {str(context['discriminator']).strip(chr(39))}; allowed: the word of its kind"
    if kind == "value_error":
        return str(context["error"])
    return f"{detail['msg']}; allowed: see the docs and the shipped policy"


def _shown(found: object, loc: tuple[int | str, ...]) -> str:
    if loc and loc[0] in _NEVER_SHOWN:
        return "what stands here"
    text = "a mapping" if isinstance(found, dict) else "a list" if isinstance(found, list) else repr(found)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _words(expected: str) -> str:
    words = re.findall(r"'([^']*)'", expected)
    return ", ".join(words) if words else expected


def _known_keys(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    section = _section_at(loc[:-1], model)
    if section is None:
        return "allowed: only the keys of this section"
    known = sorted(field.alias or name for name, field in section.model_fields.items() if name != "content_hash")
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}allowed: {', '.join(known)}"


def _section_at(loc: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that describes the mapping at `loc`."""
    found: Any = model
    for key in loc:
        found = _described_by(found, key)
    found = _without_none(found)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _without_tags(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[int | str, ...]:
    """`loc` as it stands in the file: pydantic puts the kind of a section that has several between its keys."""
    found: Any = model
    kept: list[int | str] = []
    for key in loc:
        if not _kinds(found):
            kept.append(key)
        found = _described_by(found, key)
    return tuple(kept)


def _described_by(found: Any, key: int | str) -> Any:
    kinds = _kinds(found)
    if kinds:
        return kinds.get(str(key))
    found = _without_none(found)
    if isinstance(found, type) and issubclass(found, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in found.model_fields.items()}
        return fields.get(str(key))
    # a mapping's values or a list's entries are described by the last (or only) type argument that is a type
    arguments = [argument for argument in typing.get_args(found) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _kinds(annotation: Any) -> dict[str, type[BaseModel]]:
    """The models of a section that has several kinds, by the word that tells them apart; empty for any other."""
    found = _without_none(annotation)
    if typing.get_origin(found) not in {typing.Union, types.UnionType}:
        return {}
    models = [model for model in typing.get_args(found) if isinstance(model, type) and issubclass(model, BaseModel)]
    return {word: model for model in models for word in typing.get_args(model.model_fields["kind"].annotation)}


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) is typing.Annotated:
        return _without_none(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        left = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
        return _without_none(left[0]) if len(left) == 1 else annotation
    return annotation
