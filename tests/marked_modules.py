"""Which test modules a run by marks can do without, told from their text."""

from __future__ import annotations

import re

_ONLY_LEAVES_OUT = re.compile(r"not \w+(?: and not \w+)*")
_MARKS_OF_A_MODULE = re.compile(r"^pytestmark = (?:\[[^\]]*\]|[^\n]*)", re.MULTILINE)


def leaves_nothing_of(text: str, expression: str) -> bool:
    """Whether `-m expression` deselects every test of a module with this text, because the module as a whole is marked.

    Only of an expression that does nothing but leave marks out; of any other, pytest has to look at each test.
    """
    if not _ONLY_LEAVES_OUT.fullmatch(expression):
        return False
    marks = _MARKS_OF_A_MODULE.search(text)
    left_out = set(re.findall(r"not (\w+)", expression))
    return marks is not None and not left_out.isdisjoint(re.findall(r"\bmark\.(\w+)", marks[0]))
