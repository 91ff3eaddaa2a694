"""How many attempts without failure prove health."""

from __future__ import annotations

import pytest

from ledger_guard.domain.health_evidence import DOUBT, attempts_needed, chance_of_so_few


@pytest.mark.parametrize(
    ("failures", "rate", "needed"),
    [(0, 0.01, 299), (1, 0.01, 473), (0, 0.05, 59), (0, 0.5, 5), (3, 0.01, 773)],
)
def test_the_fewest_attempts_that_show_less_than_a_rate(failures, rate, needed):
    assert attempts_needed(failures, rate) == needed
    assert chance_of_so_few(failures, needed, rate) <= DOUBT < chance_of_so_few(failures, needed - 1, rate)


@pytest.mark.parametrize(("failures", "attempts"), [(0, 0), (3, 3), (5, 3)])
def test_where_all_failed_nothing_is_shown(failures, attempts):
    assert chance_of_so_few(failures, attempts, 0.01) == pytest.approx(1.0)


def test_a_million_attempts_are_counted_as_well():
    assert chance_of_so_few(0, 1_000_000, 0.01) == pytest.approx(0.0)
    assert attempts_needed(500, 0.01) > 50_000
