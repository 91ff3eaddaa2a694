"""Request templates of the policy: JSON and headers with named gaps, filled with values, never with code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

_GAP = re.compile(r"\{([a-z_]+)\}")


def gaps(template: JsonValue) -> Iterator[str]:
    """The names of the gaps, `{name}`, in a JSON value's texts; keys have none."""
    if isinstance(template, str):
        yield from _GAP.findall(template)
    elif isinstance(template, list):
        for part in template:
            yield from gaps(part)
    elif isinstance(template, dict):
        for part in template.values():
            yield from gaps(part)


def filled(template: JsonValue, values: Mapping[str, str | float]) -> JsonValue:
    """The value with its gaps filled. A text that is one gap and nothing else becomes the value itself, a number a number.

    Filled values are not expanded again: braces in a value stay as they are. Raises KeyError for a gap without a value.
    """
    if isinstance(template, str):
        whole = _GAP.fullmatch(template)
        return values[whole[1]] if whole else filled_text(template, values)
    if isinstance(template, list):
        return [filled(part, values) for part in template]
    if isinstance(template, dict):
        return {key: filled(part, values) for key, part in template.items()}
    return template


def filled_text(template: str, values: Mapping[str, str | float]) -> str:
    """As `filled`, for what is always a text, such as a header."""
    return _GAP.sub(lambda gap: str(values[gap[1]]), template)
