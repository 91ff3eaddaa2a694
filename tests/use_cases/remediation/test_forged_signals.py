"""Attack: a stranger's wrongly signed webhooks are to bring the guard to switch signatures off for everyone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T2
from tests.use_cases.remediation.webhook_traffic import (
    FLAG,
    INCIDENT_ID,
    MINUTE,
    NOON,
    PROVIDERS,
    TENANTS,
    Webhooks,
    genuine,
    strangers,
)

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.signature_causes import CauseKind
from ledger_guard.use_cases.flags.flag_run import roll_back_question
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import start_action
from ledger_guard.use_cases.remediation.remediation_steps import check_case_secrets, ending, runs_to_start
from ledger_guard.use_cases.reports.report import incident_report

TEN = NOON + 10 * MINUTE


@pytest.fixture
def flooded() -> Webhooks:
    """144 wrongly signed calls of mockpsp in ten minutes; all 258 genuine ones are accepted, 215 of them mockpsp's."""
    webhooks = Webhooks()
    webhooks.arrive([*genuine(NOON, TEN), *strangers(NOON)])
    webhooks.open()
    return webhooks


def flipped(refuses, *, windows: int = 2, also=()) -> Webhooks:
    webhooks = Webhooks()
    webhooks.arrive([*genuine(NOON, NOON + windows * 5 * MINUTE, refuses), *also])
    webhooks.open(windows=windows)
    return webhooks


def rollbacks(webhooks: Webhooks, run_id: str = "remediation__1") -> list[dict]:
    return runs_to_start(webhooks.world.deps, webhooks.case(run_id), "roll_back")


def actions(webhooks: Webhooks) -> list[tuple[str, str, ActionStatus]]:
    with webhooks.world.state.transaction() as state:
        return [(each.kind, each.target, each.status) for each in state.actions.of_incident(INCIDENT_ID)]


# --- the attack ---------------------------------------------------------------------------------------------------


def test_downgrade_by_anonymous_no_rollback_is_proposed(flooded):
    assert rollbacks(flooded) == []
    assert actions(flooded) == [("roll_back", FLAG, ActionStatus.REFUSED)]
    notice = flooded.world.notifier.posted[-1].notice
    assert "roll_back is not proposed for 1 of 1: refused webhooks are likely forged" in notice.summary


def test_downgrade_by_anonymous_check_secrets_says_so_and_shows_what_the_log_has(flooded):
    report = check_secrets(flooded.world.deps, INCIDENT_ID)
    assert report.cause_kind is CauseKind.FORGED
    assert report.likeliest_cause.startswith(
        "Likely forged: do not roll back. 215 of usually 214 genuine calls were accepted while 144 were refused"
    )
    facts = dict(report.as_facts())
    assert facts["Known event ids"] == "0 of 144 refused event ids were also accepted"
    assert facts["Senders"] == "not known: the access log keeps no source address"
    assert facts["Missing or wrong signature"] == "the access log does not say which: WEBHOOK_SIGNATURE_INVALID"


@pytest.fixture
def flooded_with_addresses() -> Webhooks:
    """The same; the log has addresses: two of three wrongly signed calls come from one, each other from one of its own."""
    webhooks = Webhooks()
    flood = [
        replace(event, source_address="203.0.113.66" if number % 3 else f"2001:db8::{number:x}")
        for number, event in enumerate(strangers(NOON))
    ]
    honest = [replace(event, source_address=PROVIDERS[event.provider]) for event in genuine(NOON, TEN)]
    a_shared_one = replace(flood[0], event_key="shared", source_address=PROVIDERS["mockpsp"])
    webhooks.arrive([*honest, *flood[1:], a_shared_one])
    webhooks.open()
    return webhooks


SENDERS = (
    "49 addresses. 203.0.113.66: 96 of 144 refused calls (67%), none accepted; "
    "198.51.100.10: 1 of 144 refused calls (1%), 215 accepted; "
    "2001:db8::12: 1 of 144 refused calls (1%), none accepted; 2001:db8::15: 1 of 144 refused calls (1%), none accepted; "
    "2001:db8::18: 1 of 144 refused calls (1%), none accepted; 44 more: 44 of 144 refused calls (31%). "
    "One with accepted calls may be a provider's own: ask before it is blocked"
)


def test_downgrade_by_anonymous_the_senders_are_told_in_notice_question_record_and_report(flooded_with_addresses):
    deps = flooded_with_addresses.world.deps
    case = flooded_with_addresses.case()
    check_case_secrets(deps, case)
    assert ("Senders", SENDERS) in flooded_with_addresses.world.notifier.posted[-1].notice.facts
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    assert f" Senders: {SENDERS}. " in roll_back_question(deps, params, "oncall")["proposal"]
    assert f"block the senders at the ingress. Senders: {SENDERS}." in incident_report(deps, INCIDENT_ID)
    with deps.state.transaction() as state:
        (told,) = [entry.event.detail for entry in state.audit.entries() if entry.event.verb == "check_secrets"]
    assert told["refused"]["senders"]["most"][0] == {"address": "203.0.113.66", "refused": 96, "accepted": 0}
    assert len(told["refused"]["senders"]["most"]) == 5


def test_where_the_log_has_no_address_question_and_report_say_so_or_nothing(flooded):
    case = flooded.case()
    check_case_secrets(flooded.world.deps, case)
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    question = roll_back_question(flooded.world.deps, params, "oncall")["proposal"]
    assert " Senders: not known: the access log keeps no source address. " in question
    assert "Senders:" not in incident_report(flooded.world.deps, INCIDENT_ID)


def test_downgrade_by_anonymous_no_secret_is_rotated(flooded):
    found = plan_secret_rotation(flooded.world.deps, INCIDENT_ID, "ledger_guard")
    assert found.plans == ()
    assert "Likely forged" in found.refused[0]


class Unreadable:
    """The platform's secrets, where the guard may not read them or nobody said where they are."""

    def findings(self):
        raise SourceUnavailable("secrets: the env file can't be read")


def test_downgrade_by_anonymous_proposes_nothing_where_the_secrets_cannot_be_read_either(flooded):
    flooded.world = replace(flooded.world, deps=replace(flooded.world.deps, secrets=Unreadable()))
    assert rollbacks(flooded) == []
    assert plan_secret_rotation(flooded.world.deps, INCIDENT_ID, "ledger_guard").plans == ()
    report = check_secrets(flooded.world.deps, INCIDENT_ID)
    assert (report.cause_kind, report.unread) == (CauseKind.FORGED, ("secrets: the env file can't be read",))


def test_downgrade_by_anonymous_the_question_of_a_person_warns_first(flooded):
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    question = roll_back_question(flooded.world.deps, params, "oncall")
    assert question["is_needed"]
    assert question["proposal"].startswith("Likely forged: do not roll back. 215 of usually 214 genuine calls")


def test_the_remediation_ends_and_says_why_nothing_was_repaired(flooded):
    case = flooded.case()
    runs_to_start(flooded.world.deps, case, "roll_back")
    found = recovery(flooded.world.deps, case)
    assert found is Recovery.NOTHING_REPAIRED
    assert "No repair is proposed: refused webhooks are likely forged" in ending(flooded.world.deps, case, found)


def test_a_task_run_again_puts_it_on_record_once(flooded):
    case = flooded.case()
    assert runs_to_start(flooded.world.deps, case, "roll_back") == runs_to_start(flooded.world.deps, case, "roll_back") == []
    assert len(actions(flooded)) == 1


def test_a_rollback_that_a_person_asked_for_is_left_to_people(flooded):
    case = flooded.case()
    start_action(flooded.world.deps, case, "roll_back", FLAG, "manual__1")
    assert runs_to_start(flooded.world.deps, case, "roll_back") == []
    assert actions(flooded) == [("roll_back", FLAG, ActionStatus.STARTED)]


# --- true troubles ------------------------------------------------------------------------------------------------


def test_a_trouble_that_refuses_genuine_calls_is_of_a_cause_not_known_where_the_secrets_cannot_be_read():
    webhooks = flipped(lambda _: True)
    webhooks.world = replace(webhooks.world, deps=replace(webhooks.world.deps, secrets=Unreadable()))
    assert len(rollbacks(webhooks)) == 1
    assert check_secrets(webhooks.world.deps, INCIDENT_ID).cause_kind is CauseKind.NOT_KNOWN


def test_a_flip_that_refuses_genuine_calls_is_put_to_people():
    webhooks = flipped(lambda _: True)
    assert len(rollbacks(webhooks)) == 1
    assert check_secrets(webhooks.world.deps, INCIDENT_ID).cause_kind is CauseKind.FLIP
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    assert roll_back_question(webhooks.world.deps, params, "oncall")["proposal"].startswith("Genuine calls: 0 of usually")


@pytest.mark.parametrize(
    ("refuses", "windows"),
    [
        pytest.param(lambda e: e.event_time >= NOON + timedelta(minutes=4, seconds=30), 1, id="half a minute before its end"),
        pytest.param(lambda e: e.event_time >= NOON + timedelta(minutes=2), 1, id="in the middle of a window"),
        pytest.param(lambda e: e.provider == "stripe", 2, id="one of two providers"),
        pytest.param(lambda e: e.tenant_id == "tenant-a", 2, id="one of six tenants"),
        pytest.param(lambda e: e.event_time.timestamp() % 3 < 1, 2, id="one call in three, as by one replica of three"),
    ],
)
@pytest.mark.parametrize("flood", [(), strangers(NOON, 70)], ids=["alone", "with a stranger's flood"])
def test_a_trouble_that_refuses_genuine_calls_is_never_called_forged(refuses, windows, flood):
    assert len(rollbacks(flipped(refuses, windows=windows, also=flood))) == 1


def test_genuine_calls_that_come_through_at_another_try_are_not_called_forged():
    """Half of the replicas refuse: as many calls as ever are accepted in the end, and their ids were refused before."""
    tried = [
        replace(event, event_key=f"{event.event_key} 1", status=401, error_code="WEBHOOK_SIGNATURE_INVALID")
        for event in genuine(NOON, TEN)
        if event.event_time.timestamp() % 2 < 1
    ]
    assert len(rollbacks(flipped(lambda _: False, also=tried))) == 1


def test_what_an_earlier_trouble_left_of_the_calls_is_not_taken_for_usual():
    """Two of three calls were refused for hours: the same time of earlier days tells what is usual."""

    def two_of_three(event):
        return event.event_time.timestamp() % 3 < 2

    webhooks = Webhooks(two_of_three)
    webhooks.arrive([*genuine(NOON, TEN, two_of_three), *strangers(NOON)])
    webhooks.open()
    assert len(rollbacks(webhooks)) == 1


def test_where_nothing_is_known_of_what_is_usual_people_are_asked():
    webhooks = Webhooks()
    webhooks.world.triage.__init__()
    webhooks.arrive([*genuine(NOON, TEN), *strangers(NOON)])
    webhooks.open()
    assert len(rollbacks(webhooks)) == 1


def test_where_the_access_log_does_not_answer_people_are_asked(flooded):
    class Away:
        def __getattr__(self, _name):
            raise SourceUnavailable("access events: connection refused")

    away = replace(flooded.world.deps, triage=Away())
    assert len(runs_to_start(away, flooded.case(), "roll_back")) == 1
    params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
    assert roll_back_question(away, params, "oncall")["proposal"].startswith("Whether the refused calls are forged is not known")


# --- a flip behind a flood ----------------------------------------------------------------------------------------


def window_went_on(webhooks: Webhooks, last_window: int):
    with webhooks.world.state.transaction() as state:
        incident = state.incidents.get(INCIDENT_ID)
        state.incidents.save(replace(incident, last_alarm_window_start=NOON + last_window * 5 * MINUTE))
    words = Severity.SEVERE, Scope.WIDESPREAD
    return decide(webhooks.world.deps, ClassifyOutcome(T2, 1, Change.CONTINUED, INCIDENT_ID, *words, None))


def test_a_flip_behind_a_flood_is_answered_although_the_stage_was(flooded):
    """Else a steady flood would keep every later rollback from people."""
    assert rollbacks(flooded) == []
    flooded.arrive([*genuine(TEN, TEN + 5 * MINUTE), *strangers(TEN, 70)])
    assert window_went_on(flooded, 2).branch == "nothing"
    flooded.arrive([*genuine(TEN + 5 * MINUTE, TEN + 10 * MINUTE, lambda _: True), *strangers(TEN + 5 * MINUTE, 70)])
    again = window_went_on(flooded, 3)
    assert again.branch == "remediate"
    assert "__again__" in again.remediation_run_id
    assert len(rollbacks(flooded, again.remediation_run_id)) == 1
    assert window_went_on(flooded, 3).branch == "nothing"


def test_an_isolated_trouble_is_judged_by_its_own_tenants():
    webhooks = Webhooks()
    webhooks.arrive([*genuine(NOON, TEN, lambda event: event.tenant_id == TENANTS[0]), *strangers(NOON)])
    webhooks.open(scope=Scope.ISOLATED, tenants=TENANTS[:1])
    assert check_secrets(webhooks.world.deps, INCIDENT_ID).cause_kind is not CauseKind.FORGED
