"""`policy check`: what it prints and how it ends."""

from __future__ import annotations

import json

import pytest

from ledger_guard.cli import main
from ledger_guard.policy.loader import load_policy, policy_path


@pytest.fixture(autouse=True)
def no_policy_variable(monkeypatch):
    monkeypatch.delenv("LEDGER_GUARD_POLICY", raising=False)


@pytest.fixture
def broken_file(tmp_path):
    file = tmp_path / "broken.yaml"
    text = policy_path().read_text(encoding="utf-8")
    text = text.replace("max_rows: 500", "max_rows: -1").replace('channel: "#ledger-ops"', "channel: ops")
    file.write_text(text, encoding="utf-8")
    return file


def test_a_policy_in_order_is_one_line_that_says_what_was_checked(capsys):
    assert main(["policy", "check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out == (
        f"{policy_path()}: in order: 8 rows decide every case of T1, T2, T3; approvers ops-lead, payments-lead; "
        f"hash {load_policy().content_hash[:12]}\n"
    )


def test_a_policy_in_order_as_json(capsys):
    assert main(["policy", "check", str(policy_path()), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(policy_path()),
        "is_valid": True,
        "name": "ledger_rollout",
        "rows": 8,
        "triggers": ["T1", "T2", "T3"],
        "approvers": ["ops-lead", "payments-lead"],
        "content_hash": load_policy().content_hash,
    }


def test_every_problem_is_one_line_on_stderr(capsys, broken_file):
    assert main(["policy", "check", str(broken_file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{broken_file}:guardrails.max_rows: is -1; allowed: at least 0",
        f"{broken_file}:notification.channel: 'ops' has not the right form; allowed: a text that matches ^[#CG]",
    ]


def test_problems_as_json_are_on_stdout_too(capsys, broken_file):
    assert main(["policy", "check", str(broken_file), "--json"]) == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["file"], found["is_valid"]) == (str(broken_file), False)
    assert found["problems"] == err.splitlines()


def test_the_variable_names_the_policy_in_force(capsys, broken_file, monkeypatch):
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(broken_file))
    assert main(["policy", "check"]) == 2
    assert str(broken_file) in capsys.readouterr().err
