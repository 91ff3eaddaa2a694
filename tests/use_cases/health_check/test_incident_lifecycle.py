"""What one judged window does to a trigger's incident."""

from dataclasses import replace
from datetime import timedelta

import pytest
from health_worlds import NOON, incident, verdict, window
from tests.triggers import T1

from ledger_guard.domain.incident_lifecycle import Change, LifecycleRules, next_step
from ledger_guard.domain.incidents import Action, ActionStatus, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity

NONE, MILD, SEVERE = Severity.NONE, Severity.MILD, Severity.SEVERE
INSUFFICIENT, NO_DATA = Severity.INSUFFICIENT, Severity.NO_DATA
MITIGATING = IncidentStatus.MITIGATING
NOW = NOON + timedelta(hours=1)
RULES = LifecycleRules(resolve_after_windows=2, list_at_most=2)


def step(standing, number, *verdicts, actions=()):
    return next_step(standing, T1, window(number), verdicts, actions, NOW, RULES)


def action(status):
    return Action("x", "i", "backfill", "a", status, NOON)


@pytest.mark.parametrize("severity", [NONE, INSUFFICIENT, NO_DATA])
def test_without_an_alarm_no_incident_opens(severity):
    found = step(None, 1, verdict("a", severity))
    assert (found.incident, found.change) == (None, Change.QUIET)


def test_a_window_without_verdicts_is_quiet_and_opens_nothing():
    assert step(None, 1).change is Change.QUIET


def test_an_alarm_opens_an_incident_with_its_tenants_the_worst_severity_and_the_widest_scope():
    found = step(None, 1, verdict("b", MILD), verdict("a", SEVERE, scope=Scope.WIDESPREAD), verdict("c", NONE))
    opened = found.incident
    assert found.change is Change.OPENED
    assert (opened.status, opened.severity, opened.scope, opened.tenants) == (
        IncidentStatus.OPEN,
        SEVERE,
        Scope.WIDESPREAD,
        ("a", "b"),
    )
    assert (opened.opened_at, opened.first_window_start, opened.last_alarm_window_start) == (
        NOW,
        window(1).start,
        window(1).start,
    )
    assert opened.summary == "a: a is severe\nb: b is mild"


def test_the_summary_quotes_no_more_tenants_than_the_policy_lists():
    found = step(None, 1, *(verdict(tenant, SEVERE) for tenant in "abc"))
    assert found.incident.summary.endswith("… and 1 more tenant(s)")


@pytest.mark.parametrize(
    ("standing", "alarm", "change"),
    [
        pytest.param(incident(severity=MILD), verdict("a", SEVERE), Change.ESCALATED, id="severity rises"),
        pytest.param(incident(), verdict("a", SEVERE, scope=Scope.WIDESPREAD), Change.ESCALATED, id="scope rises"),
        pytest.param(incident(), verdict("a", SEVERE), Change.CONTINUED, id="as before"),
        pytest.param(incident(), verdict("a", MILD), Change.CONTINUED, id="severity falls"),
        pytest.param(incident(scope=Scope.WIDESPREAD), verdict("a", SEVERE), Change.CONTINUED, id="scope falls"),
        pytest.param(incident(), verdict("b", SEVERE), Change.ESCALATED, id="another tenant needs a repair"),
        pytest.param(incident(), verdict("b", MILD), Change.CONTINUED, id="another tenant joins, slightly"),
        pytest.param(
            incident(scope=Scope.WIDESPREAD),
            verdict("b", SEVERE, scope=Scope.WIDESPREAD),
            Change.CONTINUED,
            id="another tenant joins what is answered as one",
        ),
    ],
)
def test_an_incident_escalates_when_severity_scope_or_the_tenants_to_repair_grow(standing, alarm, change):
    assert step(standing, 1, alarm).change is change


def test_an_escalated_incident_is_open_again_so_that_a_new_stage_starts():
    mitigated = incident(severity=MILD, status=IncidentStatus.MITIGATED, mitigated_at=NOON, quiet_windows=1)
    found = step(mitigated, 1, verdict("b", SEVERE)).incident
    assert (found.status, found.mitigated_at, found.quiet_windows) == (IncidentStatus.OPEN, None, 0)
    assert (found.severity, found.tenants) == (SEVERE, ("a", "b"))
    assert found.stage_key() != mitigated.stage_key()


def test_severity_and_scope_never_fall_while_the_incident_lasts():
    found = step(incident(scope=Scope.WIDESPREAD), 1, verdict("a", MILD)).incident
    assert (found.severity, found.scope) == (SEVERE, Scope.WIDESPREAD)


def test_an_alarm_starts_the_count_of_quiet_windows_again():
    assert step(incident(quiet_windows=1), 1, verdict("a", MILD)).incident.quiet_windows == 0


MITIGATED = incident(status=IncidentStatus.MITIGATED, tenants=("a", "b"), quiet_windows=1)


def test_evidence_of_health_for_every_tenant_often_enough_in_a_row_ends_a_mitigated_incident():
    found = step(MITIGATED, 2, verdict("a", NONE), verdict("b", NONE), verdict("c", NO_DATA))
    assert (found.change, found.incident.status, found.incident.resolved_at) == (Change.RESOLVED, IncidentStatus.RESOLVED, NOW)


def test_one_quiet_window_fewer_does_not_end_it():
    found = step(replace(MITIGATED, quiet_windows=0), 2, verdict("a", NONE), verdict("b", NONE))
    assert (found.change, found.incident.quiet_windows) == (Change.CONTINUED, 1)


@pytest.mark.parametrize(
    "verdicts",
    [
        pytest.param((verdict("a", NONE), verdict("b", NO_DATA)), id="no data for one"),
        pytest.param((verdict("a", NONE), verdict("b", INSUFFICIENT)), id="insufficient for one"),
        pytest.param((verdict("a", NONE),), id="no verdict for one"),
        pytest.param((verdict("a", NO_DATA), verdict("b", NO_DATA)), id="no data at all"),
        pytest.param((), id="nothing at all"),
    ],
)
def test_missing_evidence_neither_ends_an_incident_nor_counts_nor_starts_the_count_again(verdicts):
    found = step(MITIGATED, 2, *verdicts)
    assert (found.change, found.incident.status, found.incident.quiet_windows) == (Change.CONTINUED, IncidentStatus.MITIGATED, 1)


def test_small_tenants_may_give_their_evidence_in_different_windows():
    first = step(replace(MITIGATED, quiet_windows=0), 2, verdict("a", NONE), verdict("b", INSUFFICIENT)).incident
    second = step(first, 3, verdict("a", INSUFFICIENT), verdict("b", NONE)).incident
    assert (first.quiet_windows, second.quiet_windows) == (0, 1)
    assert step(second, 4, verdict("a", NONE), verdict("b", NO_DATA)).change is Change.RESOLVED


def test_a_window_in_which_no_one_gives_evidence_is_not_quiet():
    ready = replace(MITIGATED, healthy_tenants=("a", "b"))
    found = step(ready, 2, verdict("a", INSUFFICIENT), verdict("b", NO_DATA))
    assert (found.change, found.incident.quiet_windows) == (Change.CONTINUED, 1)


def test_an_alarm_takes_back_its_tenants_evidence_of_health_and_no_other():
    ready = replace(MITIGATED, healthy_tenants=("a", "b"))
    assert step(ready, 2, verdict("a", MILD), verdict("b", NONE)).incident.healthy_tenants == ("b",)


def test_a_window_no_younger_than_the_newest_alarm_is_no_evidence():
    found = step(replace(MITIGATED, last_alarm_window_start=window(2).start), 2, verdict("a", NONE), verdict("b", NONE))
    assert found.incident.quiet_windows == 1


@pytest.mark.parametrize(
    ("standing", "actions", "ends"),
    [
        pytest.param(incident(status=IncidentStatus.MITIGATED), (), True, id="mitigated"),
        pytest.param(incident(severity=MILD), (), True, id="open and mild: nothing had to be repaired"),
        pytest.param(incident(), (), False, id="open and severe, nothing done about it yet"),
        pytest.param(incident(status=MITIGATING), (), False, id="a remediation that has only begun"),
        pytest.param(incident(status=MITIGATING), (action(ActionStatus.STARTED),), False, id="an action under way"),
        pytest.param(
            incident(status=MITIGATING),
            (action(ActionStatus.DONE), action(ActionStatus.REFUSED), action(ActionStatus.FAILED)),
            True,
            id="all actions ended, however",
        ),
        pytest.param(
            incident(status=MITIGATING),
            (action(ActionStatus.DONE), action(ActionStatus.STARTED)),
            False,
            id="one of two",
        ),
    ],
)
def test_quiet_windows_end_an_incident_only_when_nothing_is_left_to_do(standing, actions, ends):
    found = step(replace(standing, quiet_windows=1), 2, verdict("a", NONE), actions=actions)
    assert (found.change is Change.RESOLVED) is ends
    assert found.incident.quiet_windows == 2
