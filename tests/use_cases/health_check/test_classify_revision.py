"""What counts as changed when a window is judged again, and what as evidence that came late."""

from dataclasses import replace

import pytest
from health_worlds import verdict

from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.use_cases.health_check.classify_revision import Difference, Revision

NO_DATA, INSUFFICIENT, NONE, MILD, SEVERE = (
    Severity.NO_DATA,
    Severity.INSUFFICIENT,
    Severity.NONE,
    Severity.MILD,
    Severity.SEVERE,
)
ISOLATED, WIDESPREAD = Scope.ISOLATED, Scope.WIDESPREAD


@pytest.fixture
def revision():
    return Revision((), list_at_most=3)


@pytest.mark.parametrize(
    ("before", "after", "is_late_alarm"),
    [
        pytest.param((NONE, ISOLATED), (MILD, ISOLATED), True, id="an alarm where none was"),
        pytest.param((NO_DATA, ISOLATED), (MILD, ISOLATED), True, id="an alarm where nothing was known"),
        pytest.param((INSUFFICIENT, ISOLATED), (SEVERE, ISOLATED), True, id="an alarm where too little was known"),
        pytest.param((MILD, ISOLATED), (SEVERE, ISOLATED), True, id="graver"),
        pytest.param((MILD, ISOLATED), (MILD, WIDESPREAD), True, id="wider"),
        pytest.param((SEVERE, ISOLATED), (MILD, WIDESPREAD), True, id="wider, though less grave"),
        pytest.param((MILD, WIDESPREAD), (SEVERE, ISOLATED), True, id="graver, though less wide"),
        pytest.param((MILD, WIDESPREAD), (MILD, ISOLATED), False, id="less wide"),
        pytest.param((SEVERE, ISOLATED), (MILD, ISOLATED), False, id="less grave"),
        pytest.param((SEVERE, ISOLATED), (NONE, ISOLATED), False, id="no alarm any more"),
        pytest.param((NO_DATA, ISOLATED), (NONE, ISOLATED), False, id="quiet where nothing was known"),
    ],
)
def test_only_a_graver_or_wider_alarm_is_evidence_that_came_late(revision, before, after, is_late_alarm):
    again = verdict("a", after[0], scope=after[1])
    found = revision.compare([verdict("a", before[0], scope=before[1])], [again])
    assert found == Difference((again,), (again,) if is_late_alarm else (), ())


def test_an_alarm_of_a_tenant_that_had_no_verdict_came_late(revision):
    again = verdict("a", MILD)
    assert revision.compare([], [again]).late_alarms == (again,)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"sentence": "otherwise"}, id="sentence"),
        pytest.param({"reasons": {"rate": 0.2, "band": [1, 2]}}, id="figures"),
    ],
)
def test_other_words_or_figures_are_stored_too_and_turn_no_severity(revision, again):
    stored = replace(verdict("a", NONE), reasons={"rate": 0.1, "band": [1, 2]})
    changed = replace(stored, **again)
    assert revision.compare([stored], [changed]) == Difference((changed,), (), ())
    assert revision.verdicts_changed == 1


def test_reasons_are_the_same_if_they_are_stored_as_the_same(revision):
    stored = replace(verdict("a", NONE), reasons={"band": [1, 2.0]})
    assert revision.compare([stored], [replace(stored, reasons={"band": (1, 2.0)})]) == Difference((), (), ())
    assert (revision.windows, revision.verdicts_changed) == (1, 0)


def test_a_tenant_without_a_verdict_any_more_is_withdrawn_and_counted(revision):
    assert revision.compare([verdict("a", MILD), verdict("b", NONE)], [verdict("b", NONE)]) == Difference((), (), ("a",))
    assert revision.verdicts_changed == 1
