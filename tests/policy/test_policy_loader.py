"""Which file is read, what happens when it can't be, and what its hash covers."""

from __future__ import annotations

import re

import pytest
import yaml
from tests.triggers import T1, TRIGGERS

from ledger_guard.domain.errors import BadInputError, PolicyError
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy, parse_policy, policy_path


@pytest.fixture(autouse=True)
def no_policy_variable(monkeypatch):
    monkeypatch.delenv("LEDGER_GUARD_POLICY", raising=False)


@pytest.fixture
def shipped_text() -> str:
    return policy_path().read_text(encoding="utf-8")


def test_without_a_path_the_shipped_policy_is_read():
    assert policy_path().parts[-3:] == ("include", "policies", "ledger_rollout.yaml")
    assert load_policy().name == "ledger_rollout"


def test_the_variable_names_another_file(tmp_path, monkeypatch, shipped_text):
    file = tmp_path / "other.yaml"
    file.write_text(shipped_text.replace("name: ledger_rollout", "name: other"), encoding="utf-8")
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(file))
    assert load_policy().name == "other"


def test_a_given_path_wins_over_the_variable(tmp_path, monkeypatch):
    shipped = policy_path()
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(tmp_path / "absent.yaml"))
    assert load_policy(shipped).name == "ledger_rollout"


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / "absent.yaml")
    expected = f"{tmp_path}/absent.yaml: there is no such file; allowed: a readable YAML file with a policy"
    assert caught.value.problems == [expected]


def test_a_folder_is_one_clear_error(tmp_path):
    with pytest.raises(PolicyError, match=r"can't be read \(Is a directory\)"):
        load_policy(tmp_path)


def test_a_file_that_is_not_utf8_is_one_clear_error(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(PolicyError, match=r"is not UTF-8 text \(byte 9\)"):
        load_policy(file)


def test_nesting_without_end_is_one_clear_error():
    with pytest.raises(PolicyError) as caught:
        parse_policy("a: " + "[" * 20_000, "deep.yaml")
    assert len(caught.value.problems) == 1
    assert "is not YAML" in caught.value.problems[0]


def test_comments_order_of_keys_and_written_out_defaults_do_not_change_the_hash(shipped_text):
    document = yaml.load(shipped_text, yaml.CSafeLoader)
    turned = {key: document[key] for key in reversed(document)}
    for section in ("guardrails", "triggers", "flags", "approvals", "access_log"):
        turned[section] = dict(reversed(document[section].items()))
    turned["matrix"][0]["scope"] = "any"
    other = parse_policy("# another comment\n" + yaml.dump(turned, Dumper=yaml.CSafeDumper, sort_keys=False), "turned.yaml")
    assert other.content_hash == load_policy().content_hash
    assert re.fullmatch(r"[0-9a-f]{64}", other.content_hash)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("max_rows: 500", "max_rows: 501", id="a guardrail"),
        pytest.param("approvers: [payments-lead, ops-lead]", "approvers: [ops-lead, payments-lead, cfo]", id="an approver"),
        pytest.param("actions: [notify, check_secrets]", "actions: [check_secrets, notify]", id="the order of actions"),
    ],
)
def test_a_changed_decision_changes_the_hash(shipped_text, old, new):
    assert old in shipped_text
    assert parse_policy(shipped_text.replace(old, new), "x.yaml").content_hash != load_policy().content_hash


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("severity", [Severity.MILD, Severity.SEVERE])
@pytest.mark.parametrize("scope", Scope)
def test_the_shipped_policy_decides_every_case(trigger, severity, scope):
    row = load_policy().row_for(trigger, severity, scope)
    assert row.actions[0] == "notify"


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.INSUFFICIENT, Severity.NO_DATA])
def test_quiet_and_unknown_severities_have_no_row(severity):
    with pytest.raises(BadInputError, match="no row for"):
        load_policy().row_for(T1, severity, Scope.ISOLATED)
