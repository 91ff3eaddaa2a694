"""guard_delegate and flag_override, run by Airflow in this process: on record in the name of whoever started the run."""

from __future__ import annotations

import psycopg
import pytest
import yaml

from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.policy.loader import policy_path

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

#: whom Airflow names as who started a run of `dag.test`
ME = "dag_test"
WHY = "on a plane until the evening"
FLAG = "webhook_signature_enforced"


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A policy in which whoever runs the tests may approve and override."""
    document = yaml.safe_load(policy_path().read_text(encoding="utf-8"))
    document["groups"] = {"testers": {"members": [ME]}}
    document["approvals"]["flag_restore"]["approvers"] += ["group:testers"]
    document["freeze"]["override_by"] = ["group:testers"]
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(file))


def entries(platform) -> list[tuple[str, str, bool]]:
    """Verb, person and whether a login proved who it was."""
    query = "select verb, actor, (detail->>'is_proved')::boolean from ledger_guard.audit_entry"
    with psycopg.connect(platform.uri) as connection:
        return connection.execute(f"{query} where verb in ('delegate', 'withdraw', 'override') order by sequence").fetchall()


def test_an_approver_delegates_and_withdraws_in_their_own_name(platform, channel, run_dag, named):
    given = {"order": "delegate", "to": "ops-lead", "hours": 2, "reason": WHY}
    assert run_dag("guard_delegate", given)["run"] == "success"
    assert entries(platform) == [("delegate", ME, True)]
    assert run_dag("guard_delegate", given)["obey"] == "failed"
    assert run_dag("guard_delegate", {"order": "withdraw", "reason": "the plane was cancelled"})["run"] == "success"
    assert entries(platform) == [("delegate", ME, True), ("withdraw", ME, True)]
    assert any(f"ops-lead answers instead of {ME} until" in message["text"] for message in channel.messages)


@pytest.mark.parametrize("to", ["ops-lead", "mallory"])
def test_whoever_the_policy_does_not_name_delegates_nothing(platform, channel, run_dag, to):
    assert run_dag("guard_delegate", {"to": to, "reason": WHY})["obey"] == "failed"
    assert entries(platform) == []


@pytest.mark.parametrize("conf", [{"order": "lend", "reason": WHY}, {"to": "ops-lead", "hours": 0, "reason": WHY}, {}], ids=str)
def test_an_unknown_order_no_hours_and_no_reason_are_refused(platform, channel, run_dag, conf):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_dag("guard_delegate", conf)
    assert entries(platform) == []


def test_whoever_the_policy_names_grants_an_override_in_their_own_name(platform, channel, run_dag, named):
    conf = {"flag": FLAG, "tenant_id": "acme", "hours": 2, "reason": "a pilot agreed on with the tenant"}
    assert run_dag("flag_override", conf)["grant"] == "failed"
    freeze_everywhere()
    assert run_dag("flag_override", conf)["grant"] == "success"
    assert entries(platform) == [("override", ME, True)]


def test_whoever_the_policy_does_not_name_grants_none(platform, channel, run_dag):
    freeze_everywhere()
    conf = {"flag": FLAG, "tenant_id": "acme", "hours": 2, "reason": "a pilot agreed on with the tenant"}
    assert run_dag("flag_override", conf)["grant"] == "failed"
    assert entries(platform) == []


def freeze_everywhere() -> None:
    from ledger_guard.use_cases.flags.freeze import freeze
    from ledger_guard.wiring import open_dependencies

    freeze(open_dependencies(), FLAG, EVERYWHERE, None, "signatures are not understood", "oncall")
