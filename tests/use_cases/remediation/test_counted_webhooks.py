"""T2 from a source that only counts: no sender, no event id. A forged flood must not bring the guard to propose a rollback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.triggers import T2
from tests.use_cases.remediation.webhook_traffic import FLAG, INCIDENT_ID, MINUTE, NOON, POLICY, TENANTS, Webhooks

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.signals import Reading, SensedWindow, WindowState
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.sources import Prometheus, SqlQuery
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.policy_checks import signal_problems
from ledger_guard.signals.signature_causes import CauseKind
from ledger_guard.signals.triage import triage
from ledger_guard.use_cases.flags.flag_run import roll_back_question
from ledger_guard.use_cases.health_check.classify_outcome import ClassifyOutcome
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.remediation.remediation_steps import runs_to_start

FIVE, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
CALLS = 40
SQL = SqlQuery(kind="sql", connection="metrics_db", query="select :start, :end", times="utc")
SCRAPED = Prometheus(kind="prometheus", url="http://prometheus:9090", events="refused[$window]", exposure="calls[$window]")
#: accepted and refused calls of a tenant in a window from noon on
Trouble = Callable[[str, int], tuple[int, int]]


class Counted(Webhooks):
    """A guard that knows numbers alone: 40 calls of each of six tenants in five minutes, the hours before noon on four days."""

    def __init__(self, source: SqlQuery | Prometheus = SQL, *, days: int = 4, unmeasured_share: float = 0.0) -> None:
        described = POLICY.trigger(T2).model_copy(update={"source": source})
        policy = POLICY.model_copy(update={"triggers": {**POLICY.triggers, T2: described}})
        self.world: MemoryWorld = memory_world(policy, NOON + 11 * MINUTE)
        self.world.flags.put(FLAG, "*", is_enabled=True)
        for provider, name in (("mockpsp", "WEBHOOK_SECRET_MOCKPSP"), ("stripe", "STRIPE_WEBHOOK_SECRET")):
            self.world.secrets.inspect(provider, name, "whsec-4fJk29dkQpZ7vT1x")
        for day in range(days):
            begin = NOON - day * DAY - 5 * HOUR
            count = round((5 * HOUR + (2 * HOUR if day else 0 * HOUR)) / FIVE)
            for number in range(count):
                is_measured = number % 10 >= unmeasured_share * 10
                self.count(begin + number * FIVE, lambda _tenant, _window: (CALLS, 0), is_measured=is_measured)

    def count(self, start: datetime, calls: Trouble, window: int = 0, *, is_measured: bool = True) -> None:
        """One window's readings."""
        at = Window(start, FIVE)
        sensed = SensedWindow(T2, at, WindowState.COMPLETE if is_measured else WindowState.NO_DATA, "", at.end)
        found = []
        for tenant in TENANTS:
            accepted, refused = calls(tenant, window)
            found.append(Reading(T2, tenant, at, refused, accepted + refused, refused))
        with self.world.state.transaction() as state:
            state.readings.record([sensed], found if is_measured else [])

    def trouble(self, calls: Trouble, windows: int = 2, first: int = 0) -> Counted:
        for number in range(first, first + windows):
            self.count(NOON + number * FIVE, calls, number)
        return self

    @property
    def rollbacks(self) -> list[dict]:
        return runs_to_start(self.world.deps, self.case(), "roll_back")

    @property
    def question(self) -> str:
        params = {"flag": FLAG, "tenant_id": "*", "incident_id": INCIDENT_ID}
        return roll_back_question(self.world.deps, params, "oncall")["proposal"]


def flood(_tenant: str, _window: int) -> tuple[int, int]:
    return CALLS, 60


def flip(_tenant: str, _window: int) -> tuple[int, int]:
    return 0, CALLS


def opened(trouble: Trouble, **known: object) -> Counted:
    counted = Counted(**known).trouble(trouble)
    counted.open()
    return counted


@pytest.mark.parametrize("source", [SQL, SCRAPED], ids=["sql", "prometheus"])
def test_a_policy_may_count_refused_webhooks_anywhere(source):
    assert signal_problems(Counted(source, days=0).world.deps.policy) == []


@pytest.mark.parametrize("source", [SQL, SCRAPED], ids=["sql", "prometheus"])
def test_a_flood_beside_as_many_genuine_calls_as_ever_is_no_reason_to_propose_a_rollback(source):
    flooded = opened(flood, source=source)
    assert flooded.rollbacks == []
    summary = flooded.world.notifier.posted[-1].notice.summary
    assert "roll_back is not proposed for 1 of 1: refused webhooks may be forged, and a rollback would accept them" in summary


def test_check_secrets_says_what_counts_can_not_tell():
    report = check_secrets(opened(flood).world.deps, INCIDENT_ID)
    assert report.cause_kind is CauseKind.FORGED
    assert report.likeliest_cause == (
        "Forged calls are not excluded: do not roll back. 480 of usually 480 genuine calls were accepted while 720 were refused: "
        "either someone without the secret calls, and a rollback would accept these calls; or genuine calls are refused and come "
        "through when they are tried again. Counts alone can't tell which: look in the platform's or the ingress's log who sent "
        "them."
    )
    facts = dict(report.as_facts())
    unknown = "not known: the source counts calls and names no provider, sender or event id"
    assert (facts["Known event ids"], facts["Senders"]) == (unknown, unknown)
    assert facts["Calls of all providers"] == "720 of 1200 calls refused (60%), first at 2026-03-01T12:00:00Z"


def test_the_question_of_a_person_warns_first():
    assert opened(flood).question.startswith("Forged calls are not excluded: do not roll back. 480 of usually 480 genuine calls")


def test_a_fault_that_refuses_genuine_calls_is_put_to_people_who_read_what_is_not_known():
    flipped = opened(flip)
    assert len(flipped.rollbacks) == 1
    assert check_secrets(flipped.world.deps, INCIDENT_ID).cause_kind is CauseKind.FLIP
    assert flipped.question.startswith(
        "Genuine calls: 0 of usually 480 calls accepted: too few to say that genuine calls are as many as usual. Whether forged "
        "calls are among the refused ones is not known: the source counts calls and names no provider, sender or event id. "
    )


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda tenant, _: flip(tenant, 0) if tenant == "tenant-a" else (CALLS, 0), id="one of six tenants"),
        pytest.param(lambda tenant, _: (26, 14), id="one call in three, as by one replica of three"),
        pytest.param(lambda tenant, window: flip(tenant, 0) if window == 1 else (CALLS, 0), id="the newest window alone"),
        pytest.param(lambda tenant, _: (0, CALLS + 60), id="all of them, behind a flood"),
    ],
)
def test_genuine_calls_that_are_refused_are_never_taken_for_strangers(trouble):
    assert len(opened(trouble).rollbacks) == 1


def test_where_nothing_is_known_of_what_is_usual_people_are_asked_and_told():
    asked = opened(flood, days=0)
    assert len(asked.rollbacks) == 1
    assert asked.question.startswith("Genuine calls: the usual number of calls is not known. Whether forged calls are among")


@pytest.mark.parametrize(("unmeasured", "is_usual_known"), [(0.1, True), (0.2, False)], ids=["at", "above"])
def test_a_past_of_which_more_than_a_tenth_was_not_measured_tells_nothing_of_what_is_usual(unmeasured, is_usual_known):
    assert (opened(flood, unmeasured_share=unmeasured).rollbacks == []) is is_usual_known


def test_a_flip_behind_a_flood_is_answered_although_the_flood_was():
    counted = opened(flood)
    assert counted.rollbacks == []
    counted.trouble(lambda tenant, _: (0, CALLS + 60), windows=1, first=2)
    with counted.world.state.transaction() as state:
        state.incidents.save(replace(state.incidents.get(INCIDENT_ID), last_alarm_window_start=NOON + 2 * FIVE))
    again = decide(
        counted.world.deps, ClassifyOutcome(T2, 1, Change.CONTINUED, INCIDENT_ID, Severity.SEVERE, Scope.WIDESPREAD, None)
    )
    assert again.branch == "remediate"
    assert len(runs_to_start(counted.world.deps, counted.case(again.remediation_run_id), "roll_back")) == 1


def test_triage_reports_tenants_and_says_that_it_knows_no_provider():
    report = triage(opened(flood).world.deps, INCIDENT_ID)
    assert report.conclusion == "some calls refused in 6 of 6 tenants."
    unknown = "not known: the source counts calls and names no provider, sender or event id"
    assert dict(report.facts)["Providers, senders, event ids"] == unknown


@pytest.mark.parametrize("trouble", [flood, lambda *_: (26, 14)], ids=["a flood", "a fault of a part"])
def test_no_rotation_is_planned_for_nobody_knows_whose_secret_it_is(trouble):
    counted = opened(trouble)
    planned = plan_secret_rotation(counted.world.deps, INCIDENT_ID, "guard")
    assert planned.plans == ()
    assert planned.refused[0].startswith("no rotation: ")


def cause_of(counted: Counted) -> tuple[CauseKind, str]:
    report = check_secrets(counted.world.deps, INCIDENT_ID)
    return report.cause_kind, report.likeliest_cause


def part(_tenant: str, _window: int) -> tuple[int, int]:
    return 26, 14


def test_causes_that_do_not_need_a_provider_are_named_as_ever():
    off = opened(part)
    off.world.flags.put(FLAG, "*", is_enabled=False)
    assert cause_of(off)[0] is CauseKind.FLAG_OFF
    assert cause_of(opened(lambda *_: (CALLS, 0)))[0] is CauseKind.NO_FAILURES
    after_a_deploy = opened(flip)
    with after_a_deploy.world.state.transaction() as state:
        state.deploys.add(Deploy(deploy_id="1", version="v9", deployed_at=NOON - MINUTE, recorded_at=NOON, recorded_by="ci"))
    kind, words = cause_of(after_a_deploy)
    assert (kind, "Every provider has been refused since shortly after the deploy v9" in words) == (CauseKind.DEPLOY, True)


def test_a_wrong_secret_is_named_and_a_part_without_a_reason_is_not_known():
    wrong = opened(part)
    wrong.world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", "changeme")
    kind, words = cause_of(wrong)
    assert (kind, words.startswith("mockpsp: WEBHOOK_SECRET_MOCKPSP ")) == (CauseKind.CREDENTIAL, True)
    kind, words = cause_of(opened(part))
    assert kind is CauseKind.NOT_KNOWN
    assert words.startswith("168 of 480 calls refused (35%), first at 2026-03-01T12:00:00Z, and nothing that is on record")
