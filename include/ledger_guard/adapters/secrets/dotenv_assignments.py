"""What a dotenv file gives each name, read as the platform's settings read it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dotenv.parser import Binding, parse_stream
from dotenv.variables import Variable, parse_variables

#: some editors put it at the front of a file; it is no part of the first name
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Assignment:
    """One value of a file, with each `${NAME}` in it put in."""

    name: str
    #: None for a name without `=`, which gives it nothing
    value: str | None
    #: names used in the value that no line above gives: the environment of the platform's process decides about them
    names_from_outside: tuple[str, ...] = ()


def parsed(text: str) -> list[Binding]:
    """The lines of the file, in order; those that can't be read have `error` set, blank ones and comments no key."""
    return list(parse_stream(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))


def assigned(bindings: Sequence[Binding], process_environment: Mapping[str, str]) -> Iterator[Assignment | None]:
    """What each line gives; None for a line that gives nothing.

    `${NAME}` and `${NAME:-default}` take a line above first, then the process's environment, then the default, then nothing.
    Names in them are compared letter by letter.
    """
    above: dict[str, Assignment] = {}
    for binding in bindings:
        if binding.key is None:
            yield None
            continue
        found = Assignment(binding.key, None)
        if binding.value is not None:
            values = {**process_environment, **{name: line.value for name, line in above.items()}}
            atoms = list(parse_variables(binding.value))
            outside: dict[str, None] = {}
            for atom in atoms:
                if isinstance(atom, Variable):
                    line = above.get(atom.name)
                    outside |= dict.fromkeys((atom.name,) if line is None else line.names_from_outside)
            found = Assignment(binding.key, "".join(atom.resolve(values) for atom in atoms), tuple(outside))
        above[binding.key] = found
        yield found


def by_lower_name(assignments: Sequence[Assignment]) -> dict[str, Assignment]:
    """By name in small letters, as the platform looks them up.

    Of lines with the same letters the last one counts. Of names that differ in the case of their letters only, the one counts
    whose first line stands last.
    """
    by_name = {assignment.name: assignment for assignment in assignments}
    return {name.lower(): assignment for name, assignment in by_name.items()}
