"""A task of several parts: each fails alone, and each that failed is named."""

import pytest

from ledger_guard.domain.errors import (
    BadInputError,
    GuardStateUnavailable,
    LedgerGuardError,
    NotificationFailed,
    SchemaMismatch,
    StaleVersionError,
)

pytestmark = pytest.mark.airflow


def each_part(**parts):
    from ledger_guard.entrypoints.airflow.parts import each_part

    return each_part(parts)


def failing(error):
    def part():
        raise error

    return part


def test_what_each_part_found_is_returned():
    assert each_part(flags=lambda: ["one"], modes=lambda: False) == {"flags": ["one"], "modes": False}


def test_a_part_that_is_skipped_is_no_failure():
    from airflow.sdk.exceptions import AirflowSkipException

    assert each_part(head=failing(AirflowSkipException("no file is named"))) == {"head": "skipped: no file is named"}


def test_the_parts_behind_one_that_failed_are_done_and_the_message_says_which():
    done = []
    with pytest.raises(LedgerGuardError, match=r"^flags failed: channel is down \(done: verdicts, questions\)$"):
        each_part(verdicts=list, flags=failing(NotificationFailed("channel is down")), questions=lambda: done.append("asked"))
    assert done == ["asked"]


def test_every_part_that_failed_is_named():
    with pytest.raises(LedgerGuardError, match=r"^flags failed: one; modes failed: .two.$"):
        each_part(flags=failing(NotificationFailed("one")), modes=failing(KeyError("two")))


@pytest.mark.parametrize(
    ("errors", "is_final"),
    [
        pytest.param([BadInputError("a")], True, id="a retry would not help"),
        pytest.param([BadInputError("a"), NotificationFailed("b")], False, id="it would help one of two"),
        pytest.param([StaleVersionError("a")], False, id="the next try reads the newer version"),
        pytest.param([RuntimeError("a")], False, id="not known"),
    ],
)
def test_it_is_retried_where_that_may_help_a_part(errors, is_final):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises((AirflowFailException, LedgerGuardError)) as raised:
        each_part(**{f"part {number}": failing(error) for number, error in enumerate(errors)})
    assert isinstance(raised.value, AirflowFailException) is is_final


@pytest.mark.parametrize(
    ("errors", "is_away"),
    [
        pytest.param([GuardStateUnavailable("a")], True, id="guard state is away"),
        pytest.param([GuardStateUnavailable("a"), SchemaMismatch("b")], True, id="or of another release"),
        pytest.param([GuardStateUnavailable("a"), NotificationFailed("b")], False, id="something else failed too"),
    ],
)
def test_that_guard_state_is_away_stays_what_it_is_so_that_it_is_told_once_an_hour(errors, is_away):
    with pytest.raises(LedgerGuardError) as raised:
        each_part(done=list, **{f"part {number}": failing(error) for number, error in enumerate(errors)})
    assert isinstance(raised.value, GuardStateUnavailable) is is_away
