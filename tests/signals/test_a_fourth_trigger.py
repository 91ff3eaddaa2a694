"""A fourth trigger, once by policy alone and once by one module of its own, plays every verb from its source to the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fourth_trigger import FLAG, GENERIC, LENGTH, NOON, T4, TENANTS, TROUBLE, policy_with, watched
from tests.triggers import TRIGGERS

from ledger_guard.adapters.memory.signals import InMemorySignalSource
from ledger_guard.domain.access_events import AccessEvent
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import PolicyError, SafetyRefusal
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.incidents import IncidentStatus
from ledger_guard.domain.signals import MoneyAtRisk, Nouns, Reading
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.windows import Window
from ledger_guard.policy.detection import Limits
from ledger_guard.policy.loader import load_policy
from ledger_guard.signals.registry import SIGNALS, nouns_of
from ledger_guard.signals.signal import COMMON_ACTIONS, OpenDoor, RestoreNeeds, Signal
from ledger_guard.signals.triage_report import TenantTriage, reported
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import request_approval
from ledger_guard.use_cases.flags.remind import remind
from ledger_guard.use_cases.flags.restore import review_restore
from ledger_guard.use_cases.flags.restore_case import RestoreRequest
from ledger_guard.use_cases.flags.roll_back import propose_roll_back, roll_back
from ledger_guard.use_cases.health_check.announce import announce
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.decide import decide
from ledger_guard.use_cases.health_check.sense import sense
from ledger_guard.use_cases.health_check.watch import watch
from ledger_guard.use_cases.remediation import remediation_steps as steps
from ledger_guard.use_cases.remediation.recovery import Recovery, recovery
from ledger_guard.use_cases.remediation.remediate import open_case
from ledger_guard.use_cases.reports.board import board
from ledger_guard.use_cases.reports.report import incident_report


class Toy(Signal):
    """A signal of one small module."""

    name = "toy"
    nouns = Nouns("broken toys", "toys", "children")
    sources = None
    actions = COMMON_ACTIONS
    restore_needs = RestoreNeeds(wallets_compared=True, rotations_done=True)
    open_door = OpenDoor("Broken toys are sold", "Somebody can be hurt.")
    against_verb = "triage"

    def review_topics(self, described):
        return (("Workshop", "who glued them?"),)

    def triage(self, deps, incident):
        tenants = tuple(
            TenantTriage(each, "glue" if each != "dice" else "wear", f"{each} has bad glue") for each in incident.tenants
        )
        return reported(incident, "Glue or wear?", tenants)

    def against(self, found, tenants):
        return {tenant: "worn toys break anyway" for tenant, word in found.tenants.items() if word == "wear"}

    def against_now(self, deps, incident):
        return self.against(self.triage(deps, incident).on_record(), incident.tenants)

    def before_a_rollback(self, deps, incident):
        return "Look at the glue first. "


@pytest.fixture
def with_toy(monkeypatch):
    """The registry, with the toy in it for one test."""
    monkeypatch.setattr(SIGNALS, "_signals", dict(SIGNALS._signals))
    SIGNALS.add(Toy)


@pytest.fixture(params=["policy alone", "a module of its own"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def policy(kind, request):
    if kind == "policy alone":
        return policy_with(GENERIC)
    request.getfixturevalue("with_toy")
    return policy_with({key: each for key, each in GENERIC.items() if key not in ("name", "nouns")}, signal="toy")


@pytest.fixture
def world(policy):
    return watched(policy)


@pytest.fixture
def outcome(world):
    """What the health check made of the trouble."""
    sense(world.deps, T4)
    return classify(world.deps, T4)


@pytest.fixture
def case(world, outcome):
    decision = decide(world.deps, outcome)
    return open_case(world.deps, {"incident_id": decision.incident_id}, "ledger_guard", decision.remediation_run_id)


def newest_notice(world):
    return world.notifier.posted[-1].notice


def approved(world, kind, proposal, incident_id):
    asked = request_approval(
        world.deps,
        kind,
        proposal.subject_id,
        proposal.subject_hash,
        incident_id=incident_id,
        requested_by="oncall",
        dag_id="flag_rollback",
        run_id="run-1",
        task_id="request_approval",
        link="http://localhost:8080/required_actions",
        proposal=proposal.text,
    )
    record_answer(
        world.deps,
        asked.approval_id,
        chosen_options=["Approve"],
        reason="rounds time out for everybody",
        answered_by="payments-lead",
        answered_at=world.wall_clock.now(),
        timed_out=False,
    )


def rolled_back(world, case):
    proposal = propose_roll_back(world.deps, FLAG, EVERYWHERE, case.incident_id, "oncall")
    approved(world, ApprovalKind.FLAG_ROLLBACK, proposal, case.incident_id)
    return roll_back(world.deps, FLAG, EVERYWHERE, case.incident_id, "run-1", "flag_rollback")


def test_it_is_sensed_and_judged_in_its_own_nouns(world, outcome, kind):
    assert (outcome.severity, outcome.scope) == (Severity.SEVERE, Scope.WIDESPREAD)
    with world.state.transaction() as state:
        incident = state.incidents.open_for(T4)
    assert incident.tenants == TENANTS
    counted = "timed-out rounds" if kind == "policy alone" else "broken toys"
    assert incident.summary.startswith(f"acme: 125 {counted} within the hour, usually 6 for this tenant")


def test_it_is_decided_by_its_rows_and_reported_with_its_name_and_subjects(world, outcome, kind):
    decision = decide(world.deps, outcome)
    assert (decision.branch, decision.actions) == ("remediate", ("notify", "freeze", "triage", "roll_back", "request_review"))
    announce(world.deps, outcome)
    notice, facts = newest_notice(world), dict(newest_notice(world).facts)
    name, subjects = ("game_timeouts", "Players") if kind == "policy alone" else ("toy", "Children")
    assert notice.title == f"classify · T4 {name} · severe · widespread"
    assert facts[subjects].startswith("p-1 of acme (90)")
    assert nouns_of(world.deps.policy, T4).events in facts["Evidence acme"]


def test_its_remediation_triages_freezes_and_asks_for_a_review(world, case, kind):
    steps.freeze_rollout(world.deps, case)
    found = steps.triage_case(world.deps, case)
    review = steps.request_case_review(world.deps, case)
    with world.state.transaction() as state:
        assert [freeze.flag for freeze in state.freezes.standing()] == [FLAG]
    if kind == "policy alone":
        assert found["question"] == "Which tenants have timed-out rounds, and how many?"
        (acme, *_) = found["tenants"]
        assert acme["conclusion"] == "120 timed-out rounds of 300 rounds (40%)"
        assert acme["listed"] == ["p-1: 90 timed-out rounds", "p-2: 30 timed-out rounds"]
        assert review == (
            "Review requested of games-lead. Root cause: what caused this: HTTP 504 GAME_TIMEOUT out of game rounds? "
            "How is it prevented from happening again?"
        )
    else:
        assert found["conclusion"] == "glue in 5 of 6 tenants; wear in 1 of 6 tenants."
        assert review == "Review requested of games-lead. Workshop: who glued them?"


def test_its_rollback_is_put_to_people_unless_its_triage_speaks_against_it(world, case, kind):
    runs = steps.runs_to_start(world.deps, case, "roll_back")
    assert [run["conf"]["reason"] for run in runs] == ["T4 severe widespread: roll_back named by the policy"]
    question = propose_roll_back(world.deps, FLAG, EVERYWHERE, case.incident_id, "oncall").text
    assert "Reason: T4 " in question
    assert question.startswith("Look at the glue first. ") is (kind != "policy alone")


def test_what_its_triage_speaks_against_is_not_proposed(with_toy):
    world = watched(policy_with({key: each for key, each in GENERIC.items() if key not in ("name", "nouns")}, signal="toy"))
    described = {"trigger": "T4", "severity": "severe", "scope": "isolated", "tenants": ["acme", "dice"]}
    case = open_case(world.deps, described, "oncall", "manual__1")
    assert [run["conf"]["tenant_id"] for run in steps.runs_to_start(world.deps, case, "roll_back")] == ["acme"]
    assert newest_notice(world).summary == "roll_back is not proposed for 1 of 2: worn toys break anyway"


def test_a_restore_of_its_flag_waits_for_quiet_windows_and_what_its_signal_needs(world, case, kind):
    rolled_back(world, case)
    validation = {"environment": "test", "passed": True, "reference": "run 12"}
    cause = ("the game provider was slow", "OPS-12", "games")
    request = RestoreRequest(FLAG, EVERYWHERE, case.incident_id, *cause, validation)
    with pytest.raises(SafetyRefusal) as refused:
        review_restore(world.deps, request, "oncall")
    missing = str(refused.value)
    assert "(T4 severe) is mitigating" in missing
    assert "T4: 0 of its newest 12 windows are quiet" in missing
    assert ("were not compared since" in missing) is (kind != "policy alone")


def test_people_are_reminded_of_its_rollback_in_its_words(world, case, kind):
    rolled_back(world, case)
    world.wall_clock.advance(timedelta(hours=25))
    (told,) = remind(world.deps)
    assert told.startswith("Broken toys are sold: ") is (kind != "policy alone")
    assert newest_notice(world).is_loud is (kind != "policy alone")


def test_it_recovers_and_stands_on_the_board_and_in_the_report(world, case, kind):
    rolled_back(world, case)
    started = steps.start_action(world.deps, case, "roll_back", FLAG)
    steps.finish_action(world.deps, started, steps.ActionStatus.DONE, "off everywhere")
    assert recovery(world.deps, case) is Recovery.WAITING
    for number in range(TROUBLE, TROUBLE + 30):
        window = Window(NOON + number * LENGTH, LENGTH)
        world.signals.deliver(Reading(T4, tenant, window, number % 2, 100, 0) for tenant in TENANTS)
        world.signals.complete(T4, window.end)
        world.clock.advance(LENGTH)
        sense(world.deps, T4)
        classify(world.deps, T4)
    assert recovery(world.deps, case) is Recovery.RECOVERED
    with world.state.transaction() as state:
        assert state.incidents.get(case.incident_id).status is IncidentStatus.RESOLVED
    name = "game_timeouts" if kind == "policy alone" else "toy"
    assert [(each.trigger, each.name) for each in board(world.deps).triggers][-1] == (T4, name)
    assert incident_report(world.deps, case.incident_id).startswith(f"# T4 {name} · severe · widespread\n")
    assert any(sentence.startswith("T1: no verdict") for sentence in watch(world.deps))
    assert not any(sentence.startswith("T4: ") for sentence in watch(world.deps))


def test_what_hangs_on_a_trigger_that_left_the_policy_can_still_be_read(world, case):
    rolled_back(world, case)
    without = replace(world.deps, policy=load_policy())
    report = incident_report(without, case.incident_id)
    assert report.startswith("# T4 · severe · widespread\n")
    assert "**Signal** T4 is no longer in the policy" in report
    assert [each.trigger for each in board(without).incidents] == [T4]
    assert [each.trigger for each in board(without).triggers] == list(TRIGGERS)


def test_a_source_that_knows_no_one_is_said_in_triage(monkeypatch):
    world = watched(policy_with(GENERIC))
    sense(world.deps, T4)
    classify(world.deps, T4)
    monkeypatch.setattr(type(world.deps.policy.trigger(T4).source), "names_subjects", False)
    with world.state.transaction() as state:
        incident = state.incidents.open_for(T4)
    report = SIGNALS.get("generic").triage(world.deps, incident)
    assert report.facts == (("Players", "not known: the source does not name them"),)
    assert [tenant.listed for tenant in report.tenants] == [()] * len(TENANTS)


def test_the_policys_own_review_topics_come_before_the_signals():
    topics = [{"subject": "Game provider", "question": "why do its rounds time out?"}]
    world = watched(policy_with(GENERIC, review=topics))
    sense(world.deps, T4)
    decision = decide(world.deps, classify(world.deps, T4))
    case = open_case(world.deps, {"incident_id": decision.incident_id}, "ledger_guard", decision.remediation_run_id)
    assert steps.request_case_review(world.deps, case).endswith(" Game provider: why do its rounds time out?")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"nouns": None}, "triggers.T4.nouns: is missing", id="no nouns"),
        pytest.param({"name": None}, "triggers.T4.name: is missing", id="no name"),
        pytest.param({"flag": "game_rounds"}, "triggers.T4.flag: 'game_rounds' is not in flags", id="a flag that is none"),
        pytest.param({"signal": "game"}, "triggers.T4.signal: 'game' is unknown", id="a signal that is none"),
    ],
)
def test_a_fourth_trigger_that_says_too_little_is_refused_with_its_place(changes, problem):
    with pytest.raises(PolicyError, match=problem):
        policy_with(GENERIC, **changes)


def test_its_money_is_summed_from_the_log_without_more_than_its_source():
    signals = InMemorySignalSource(policy_with(GENERIC))
    timed_out = ("POST", "/api/v1/game/round", None, 504, "GAME_TIMEOUT")
    signals.receive(
        policy_with(GENERIC),
        [
            AccessEvent(f"r{number}", NOON, "acme", f"p{number}", *timed_out, amount_cents=cents)
            for number, cents in enumerate((1_000, 240, None))
        ],
    )
    window = Window(NOON, LENGTH)
    assert [found.money for found in signals.readings(T4, window, window)] == [MoneyAtRisk(1_240, 1)]


def test_it_may_have_limits_of_its_own():
    assert policy_with(GENERIC).limits_of(T4) == Limits()
    assert policy_with(GENERIC, limits={"severe_from_events": 50}).limits_of(T4) == Limits(severe_from_events=50)
