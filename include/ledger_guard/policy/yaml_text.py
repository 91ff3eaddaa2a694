"""Reads YAML without forgiving anything: repeated keys, dates and numbers without a value are problems, not guesses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

if TYPE_CHECKING or not yaml.__with_libyaml__:
    _SafeLoader = yaml.SafeLoader
else:

    class _SafeLoader(Composer, yaml.cyaml.CParser, SafeConstructor, Resolver):
        """SafeLoader with libyaml's parser, ten times as fast: each DAG file waits for its policy.

        Nodes are still made by Python's Composer: CSafeLoader's own ends the process where nesting is too deep.
        """

        def __init__(self, stream: str) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)


class _Loader(_SafeLoader):
    """SafeLoader that remembers every key that a mapping has twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, noting repeated keys with the lines of both."""
        first_lines: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in first_lines:
                self.repeated.append(
                    f"line {line}: key {key!r} stands on line {first_lines[key]} already; allowed: each key once"
                )
            first_lines.setdefault(key, line)
        return super().construct_mapping(node, deep=deep)


def parse(text: str) -> tuple[Any, list[str]]:
    """The document in `text`, and what is wrong with it as `place: problem; allowed: …` (then the document is None).

    A document without problems holds only what JSON can hold: mappings with text keys, lists, texts, finite numbers,
    true, false and null.
    """
    try:
        loader = _Loader(text)
        try:
            document = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return None, [f"{place}is not YAML ({error.problem}); allowed: one YAML document"]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return None, [f"is not YAML ({' '.join(str(error).split())[:120]}); allowed: one YAML document"]
    if document is None:
        return None, ["is empty; allowed: the sections of a policy"]
    if not isinstance(document, dict):
        return None, [f"is a {type(document).__name__}, not a mapping; allowed: the sections of a policy"]
    problems = loader.repeated + [f"{place}: {problem}" for place, problem in _unsuitable(document, "")]
    return (None, problems) if problems else (document, [])


def join(place: str, key: object) -> str:
    """`place.key`, or `place[3]` for a position in a list."""
    if isinstance(key, int):
        return f"{place}[{key}]"
    return f"{place}.{key}" if place else str(key)


def _unsuitable(found: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for key, inner in found.items():
            if isinstance(key, str):
                yield from _unsuitable(inner, join(place, key))
            else:
                yield join(place, str(key)), f"the key is read as {type(key).__name__}; allowed: a text, quoted if need be"
    elif isinstance(found, list):
        for position, inner in enumerate(found):
            yield from _unsuitable(inner, join(place, position))
    elif isinstance(found, float) and not math.isfinite(found):
        yield place, f"is {found}; allowed: a finite number"
    elif found is not None and not isinstance(found, str | int | float):
        yield place, f"is read as {type(found).__name__}; allowed: texts, numbers, true, false, null, lists and mappings"
