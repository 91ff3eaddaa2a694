"""Which triggers there are is the policy's to say: no code outside the signals knows one by its word, or by its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "include" / "ledger_guard"
#: where a trigger or a signal may be known by its word
SIGNALS, HISTORY = LIBRARY / "signals", LIBRARY / "migrations" / "versions"
_TRIGGER = re.compile(r"\bT[1-9]\b")
_SIGNAL = re.compile(r"\b(insufficient_funds|webhook_signature|balance_mismatch)\b")


def files(*suffixes: str) -> list[Path]:
    folders = (LIBRARY, ROOT / "dags", ROOT / "plugins")
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    return sorted(path for path in found if SIGNALS not in path.parents and HISTORY not in path.parents)


def docstrings(tree: ast.AST) -> set[ast.Constant]:
    """Prose: it may give examples."""
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    bodies = [node.body[0].value for node in owners if node.body and isinstance(node.body[0], ast.Expr)]
    return {value for value in bodies if isinstance(value, ast.Constant)}


def literals(text: str) -> Iterator[tuple[int, str]]:
    """Lines of code that name a trigger: a text with such a word, a signal's name, or a constant of Trigger."""
    tree = ast.parse(text)
    prose = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            if _TRIGGER.search(node.value) or _SIGNAL.fullmatch(node.value):
                yield node.lineno, node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Trigger":
            yield node.lineno, f"Trigger.{node.attr}"


def test_no_code_outside_the_signals_knows_a_trigger_by_its_word():
    named = {str(path.relative_to(ROOT)): found for path in files(".py") if (found := list(literals(path.read_text())))}
    assert named == {}


def test_no_statement_and_no_page_knows_a_trigger_by_its_word():
    lines = {
        f"{path.relative_to(ROOT)}:{number}": line
        for path in files(".sql", ".html", ".js")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _TRIGGER.search(line)
    }
    assert lines == {}


def test_nothing_asks_whether_there_is_a_request_to_learn_where_a_trigger_is_read():
    asks = re.compile(r"\.request is (not )?None|\.source(\.kind)? (==|!=) ")
    assert {str(path.relative_to(ROOT)) for path in files(".py") if asks.search(path.read_text())} == set()


@pytest.mark.parametrize(
    "line",
    [
        'if trigger == "T1": pass',
        'enum = [None, "T2"]',
        "x = Trigger.BALANCE_MISMATCH",
        'x = Trigger("T3")',
        'say(f"T1 and {other}")',
        'if signal == "webhook_signature": pass',
    ],
)
def test_a_literal_trigger_is_found(line):
    assert [number for number, _ in literals(f'"""T1 in prose."""\n{line}\n')] == [2]


@pytest.mark.parametrize("line", ["x = trigger.value", 'x = "T10"', 'x = "THREE"', "def f():\n    '''As in T1.'''"])
def test_what_is_no_literal_trigger_is_left_alone(line):
    assert list(literals(line)) == []
