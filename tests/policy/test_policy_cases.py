"""One file a rule under cases/: an overlay on the shipped policy, and the exact problems it must lead to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger_guard.domain.errors import PolicyError
from ledger_guard.policy.checks import _RULES
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.policy.schema import Policy
from ledger_guard.signals.policy_checks import RULES
from ledger_guard.signals.registry import SIGNALS

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
_STEP = re.compile(r"[^.\[\]]+")


def _steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in _STEP.findall(path)]


def _apply(document: Any, change: dict[str, Any]) -> None:
    *parents, last = _steps(change.get("set") or change["remove"])
    for step in parents:
        document = document[step]
    if "set" in change:
        document[last] = change["to"]
    else:
        del document[last]


def _text(case: dict[str, Any]) -> str:
    if "whole_text" in case:
        return case["whole_text"]
    shipped = policy_path().read_text(encoding="utf-8")
    if "add_text" in case:
        return f"{shipped}\n{case['add_text']}"
    document = yaml.load(shipped, yaml.CSafeLoader)
    for change in case["changes"]:
        _apply(document, change)
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)


def _with_lines(expected: str, text: str) -> str:
    """Replace {first:key} and {last:key} by the lines where the top-level key stands."""
    for word, key in re.findall(r"\{(first|last):(\w+)\}", expected):
        lines = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith(f"{key}:")]
        expected = expected.replace(f"{{{word}:{key}}}", str(lines[0 if word == "first" else -1]))
    return expected


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_policy_is_refused_with_exactly_the_problems_of_its_case(file):
    case = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    text = _text(case)
    found: list[str] = []
    try:
        parse_policy(text, "policy.yaml")
    except PolicyError as error:
        found = error.problems
    assert found == [f"policy.yaml:{_with_lines(problem, text)}" for problem in case["problems"]]
    assert bool(case["problems"]) == file.stem.startswith("invalid-")


def test_every_rule_has_a_case_that_breaks_it():
    broken = set()
    for file in CASES:
        case = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        if "changes" not in case:
            continue
        document = yaml.load(_text(case), yaml.CSafeLoader)
        try:
            policy = Policy.model_validate(document)
        except ValueError:
            continue
        known = [*_RULES, *(RULES if all(each.signal in SIGNALS.names for each in policy.triggers.values()) else RULES[:1])]
        broken |= {rule.__name__ for rule in known if list(rule(policy))}
    assert broken == {rule.__name__ for rule in (*_RULES, *RULES)}
