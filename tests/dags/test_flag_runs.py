"""flag_rollback and flag_restore, run by Airflow in this process against a real flag store."""

from datetime import timedelta

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

REASON = "webhooks of every tenant are refused"
FLAG = "webhook_signature_enforced"


@pytest.fixture
def rollback(platform):
    incident = platform.open_incident("T2", "severe", "widespread", ("acme", "zenith"))
    return {"flag": FLAG, "tenant_id": "*", "incident_id": incident, "reason": "by hand"}


def test_an_approved_rollback_switches_the_flag_off_says_unconfirmed_without_probes_and_freezes_it(
    platform, channel, run_dag, answerer, rollback
):
    answerer.when_parked("flag_rollback", "request_approval", "Approve", REASON)
    states = run_dag("flag_rollback", rollback)
    assert states["run"] == "success"
    assert not platform.is_enabled(FLAG)
    assert platform.run("select status from ledger_guard.flag_change") == "unconfirmed"
    assert platform.run("select count(*) from ledger_guard.freeze where lifted_at is null") == 1


def test_a_rejected_rollback_leaves_the_flag_on(platform, channel, run_dag, answerer, rollback):
    answerer.when_parked("flag_rollback", "request_approval", "Reject", "not yet, the provider is on the phone")
    states = run_dag("flag_rollback", rollback)
    assert states["roll_back"] == "skipped"
    assert platform.is_enabled(FLAG)


@pytest.mark.parametrize("marked", ["request_approval", "request_approval|verify_approval"])
def test_gates_marked_success_by_hand_do_not_switch_anything(platform, channel, run_dag, rollback, marked):
    states = run_dag("flag_rollback", rollback, mark_success_pattern=marked)
    assert states["roll_back"] in {"failed", "upstream_failed"}
    assert platform.is_enabled(FLAG)


def test_a_flag_that_is_off_already_asks_no_one(platform, channel, run_dag, rollback):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    states = run_dag("flag_rollback", rollback)
    assert (states["run"], states["request_approval"], states["roll_back"]) == ("success", "skipped", "skipped")


def quiet_windows(platform, trigger: str = "T2", windows: int = 12) -> None:
    """Verdicts with evidence of health for the newest closed windows of the rehearsal's clock."""
    verdicts_of_windows(trigger, range(1, windows + 1), "none")


def verdicts_of_windows(trigger: str, back: range, word: str) -> None:
    """Verdicts of acme for windows that are so far back; 0 is the one that is open."""
    from ledger_guard.domain.signals import Trigger
    from ledger_guard.domain.verdicts import Scope, Severity, Verdict
    from ledger_guard.domain.windows import Window
    from ledger_guard.wiring import open_dependencies

    deps, length = open_dependencies(), timedelta(minutes=5)
    now = Window.containing(deps.clock.now(), length).start
    verdicts = [
        Verdict(Trigger(trigger), "acme", Window(now - number * length, length), Severity(word), Scope.ISOLATED, "put by a test")
        for number in back
    ]
    with deps.state.transaction() as state:
        state.verdicts.record(verdicts, None)


RESTORE = {
    "flag": FLAG,
    "tenant_id": "*",
    "root_cause": "the secret at the provider was rotated a day early",
    "root_cause_link": "https://tracker.example/77",
    "root_cause_owner": "platform-team",
    "validation": {"environment": "test", "passed": True, "reference": "smoke run 12"},
}


def test_a_restore_without_a_freeze_is_approved_and_switches_the_flag_on(platform, channel, run_dag, answerer):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    quiet_windows(platform)
    answerer.when_parked("flag_restore", "request_approval", "Approve", "validated in test, rotation done")
    states = run_dag("flag_restore", RESTORE)
    assert states["run"] == "success"
    assert platform.is_enabled(FLAG)


def test_a_restore_is_refused_while_others_freeze_the_flag(platform, channel, run_dag):
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    platform.run(
        "insert into ledger_guard.freeze (freeze_id, flag, tenant_id, reason, opened_by, opened_at, incident_id)"
        " values (gen_random_uuid(), %s, '*', 'T3 severe', 'ledger_guard', now(), %s)",
        FLAG,
        platform.open_incident("T3"),
    )
    states = run_dag("flag_restore", RESTORE)
    assert (states["review"], states["restore"], states["run"]) == ("failed", "upstream_failed", "failed")
    assert not platform.is_enabled(FLAG)


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({"root_cause": ""}, id="no root cause"),
        pytest.param({"root_cause_link": ""}, id="no link"),
        pytest.param({"root_cause_owner": ""}, id="no owner"),
        pytest.param({"validation": {"environment": "test", "passed": False, "reference": ""}}, id="validation not passed"),
    ],
)
def test_a_restore_that_misses_something_is_refused(platform, channel, run_dag, missing):
    quiet_windows(platform)
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    states = run_dag("flag_restore", {**RESTORE, **missing})
    assert states["review"] == "failed"
    assert not platform.is_enabled(FLAG)


def test_a_restore_without_quiet_windows_is_refused(platform, channel, run_dag):
    quiet_windows(platform, windows=5)
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    assert run_dag("flag_restore", RESTORE)["review"] == "failed"
    assert not platform.is_enabled(FLAG)


def test_a_restore_of_the_balance_flag_compares_the_tenants_wallets_itself(platform, channel, run_dag, answerer):
    """acme's wallets lag behind and were never compared: the run compares them and refuses; once they are right it goes on."""
    flag = "ledger_enforce_balance"
    platform.run("update rollout_flag set is_enabled = false where key = %s", flag)
    for trigger in ("T1", "T3"):
        quiet_windows(platform, trigger)
    of_acme = {**RESTORE, "flag": flag, "tenant_id": "acme"}
    assert run_dag("flag_restore", of_acme)["review"] == "failed"
    platform.run("update walletbalance set balance_real_available = 100 where tenant_id = 'acme'")
    answerer.when_parked("flag_restore", "request_approval", "Approve", "wallets compared, all in order")
    assert run_dag("flag_restore", of_acme)["run"] == "success"
    assert platform.run("select is_enabled from rollout_flag where key = %s and tenant_id = 'acme'", flag) is True
    compared = "select count(*) from ledger_guard.audit_entry where verb = 'verify' and tenant_id = 'acme'"
    assert platform.run(compared) == 2


def test_a_health_check_reminds_of_a_rollback_that_is_still_active(platform, channel, run_dag, answerer, rollback):
    answerer.when_parked("flag_rollback", "request_approval", "Approve", REASON)
    run_dag("flag_rollback", rollback)
    platform.run("update ledger_guard.flag_change set changed_at = changed_at - interval '5 hours'")
    for _ in range(2):
        assert run_dag("ledger_health_check", {"triggers": ["T2"]})["watch"] == "success"
    told = [message for message in channel.messages if "UNSIGNED WEBHOOKS ARE ACCEPTED" in message["text"]]
    assert len(told) == 1
    assert "for 5 h" in told[0]["text"]


def test_a_flag_that_was_restored_unconfirmed_goes_back_to_people_when_its_signal_rises_again(
    platform, channel, run_dag, answerer
):
    """The first check finds nothing; after an alarm the next one starts flag_rollback, which asks; a third records no more."""
    platform.run("update rollout_flag set is_enabled = false where key = %s", FLAG)
    quiet_windows(platform)
    answerer.when_parked("flag_restore", "request_approval", "Approve", "validated in test, rotation done")
    assert run_dag("flag_restore", RESTORE)["run"] == "success"
    assert run_dag("ledger_health_check", {"triggers": ["T1"]})["ask_back"] == "skipped"
    verdicts_of_windows("T2", range(1), "severe")
    states = run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert (states["watch_restored"], states["ask_back"], states["run"]) == ("success", "success", "success")
    run_id = platform.run("select run_id from ledger_guard.action where kind = 'roll_back'")
    assert run_id.startswith(f"roll_back__{FLAG}__")
    run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert platform.run("select count(*) from ledger_guard.audit_entry where verb = 'watch_restored'") == 1
