"""The end of the audit log, as the board reads it: the same rules for both kinds of guard state."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.audit import AuditEvent

AT = datetime(2026, 3, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("stored", "limit", "sequences"),
    [
        pytest.param(0, 3, [], id="empty log"),
        pytest.param(2, 3, [2, 1], id="fewer than asked for"),
        pytest.param(3, 3, [3, 2, 1], id="exactly as many"),
        pytest.param(5, 3, [5, 4, 3], id="more than asked for"),
    ],
)
def test_the_latest_entries_come_newest_first_and_no_more_than_asked_for(state, stored, limit, sequences):
    with state.transaction() as open_state:
        for number in range(stored):
            open_state.audit.append(
                AuditEvent("notify", "tester", f"incident:{number}", {"n": number}, AT + timedelta(seconds=number))
            )
    with state.transaction() as open_state:
        found = open_state.audit.latest(limit)
    assert [entry.sequence for entry in found] == sequences


def test_the_latest_entries_are_the_very_entries_of_the_log(state):
    with state.transaction() as open_state:
        for number in range(3):
            open_state.audit.append(AuditEvent("notify", "tester", "incident:1", {"n": number, "ratio": 0.5}, AT))
    with state.transaction() as open_state:
        assert open_state.audit.latest(3) == list(open_state.audit.entries())[::-1]
