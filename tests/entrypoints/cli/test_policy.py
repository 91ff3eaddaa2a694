"""`policy check`: what it prints and how it ends."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.use_cases.flags.reference_service import PLAYER, SECRET, WEBHOOK_PATH, ReferenceService

from ledger_guard.entrypoints.cli.main import main
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
        f"{policy_path()}: valid: 8 rows decide every case of T1, T2, T3; approvers ops-lead, payments-lead; "
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
        f"{broken_file}:notification.channels[0].channel: 'ops' has the wrong format; allowed: a text that matches ^[#CG]",
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


# --- live ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def platform():
    service = ReferenceService().start()
    yield service
    service.stop()


@pytest.fixture
def live_file(tmp_path, platform, monkeypatch):
    """A policy whose only probe is the canary webhook, with `changes` made to it."""
    monkeypatch.setenv("WEBHOOK_SECRET_MOCKPSP", SECRET)

    def write(**changes):
        document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
        body = {"provider_event_id": "{canary_id}", "event_type": "canary", "tenant_id": PLAYER[0], "player_id": PLAYER[1]}
        canary = {
            "kind": "webhook",
            "url": platform.base_url + WEBHOOK_PATH,
            "secret_env": "WEBHOOK_SECRET_MOCKPSP",
            "signature_scheme": "sha256_secret_sorted_json",
            "signature_header": "X-MockPSP-Signature",
            "body": body,
        }
        document["probes"] = {"webhook_signature_enforced": {"canary": {**canary, **changes}}}
        file = tmp_path / "live.yaml"
        file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        return str(file)

    return write


def test_without_live_no_probe_is_asked(capsys, platform, live_file):
    assert main(["policy", "check", live_file()]) == 0
    assert platform.received == []


@pytest.mark.parametrize("enforced", [True, False])
def test_live_says_which_probes_fit_what_they_show_and_what_is_left_out(capsys, platform, live_file, enforced):
    platform.enforces_signatures = enforced
    assert main(["policy", "check", live_file(), "--live"]) == 0
    lines = capsys.readouterr().out.splitlines()
    wrong = "401 WEBHOOK_SIGNATURE_INVALID" if enforced else "200"
    shows = f"fits, shows {'on' if enforced else 'off'}"
    assert lines[1:] == [
        "ledger_enforce_balance: names no instance probe and no canary: a change of it stays unconfirmed",
        f"webhook_signature_enforced: {shows}: canary webhook: correctly signed answered 200, wrongly signed answered {wrong}",
        "webhook_signature_enforced: names no instance probe: a change of it stays unconfirmed",
    ]


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        pytest.param({"body": {"event": "canary"}}, 2, "does not fit: canary webhook is unusable: ", id="form"),
        pytest.param({"url": "http://127.0.0.1:9/none"}, 1, "shows nothing: canary webhook: ", id="no answer"),
        pytest.param({"secret_env": "NOWHERE_SET"}, 2, "NOWHERE_SET is not set", id="no secret"),
    ],
)
def test_live_ends_badly_where_a_probe_could_show_nothing(capsys, live_file, changes, code, says):
    assert main(["policy", "check", live_file(**changes), "--live"]) == code
    assert says in capsys.readouterr().out


def test_live_as_json(capsys, platform, live_file):
    platform.enforces_signatures = platform.check_is_broken = True
    assert main(["policy", "check", live_file(), "--live", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["is_valid"], found["probes"]["ledger_enforce_balance"]) == (True, [])
    (look,) = found["probes"]["webhook_signature_enforced"]
    assert (look["fits"], look["shows"]) == (True, None)
    assert "refuses correct signatures too" in look["says"]
