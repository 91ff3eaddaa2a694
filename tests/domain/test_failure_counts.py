"""What counts of failures among attempts prove."""

from __future__ import annotations

import pytest

from ledger_guard.domain.failure_counts import attempts_needed, chance_of_at_least, chance_of_at_least_among, chance_of_at_most


@pytest.mark.parametrize(
    ("failures", "expected", "chance"),
    [(0, 0.0, 1.0), (0, 3.0, 0.049787), (2, 2.0, 0.676676), (20, 30.0, 0.035285), (1000, 1000.0, 0.508409)],
)
def test_the_chance_of_at_most_so_many(failures, expected, chance):
    assert chance_of_at_most(failures, expected) == pytest.approx(chance, abs=1e-6)
    assert chance_of_at_least(failures + 1, expected) == pytest.approx(1 - chance, abs=1e-6)


def test_none_or_more_are_certain():
    assert chance_of_at_least(0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("failures", "rate", "needed"),
    [
        pytest.param(0, 0.001, 2996, id="the rule of three"),
        pytest.param(1, 0.001, 4744, id="one failure takes more"),
        pytest.param(0, 1.0, 3, id="every attempt would fail"),
        pytest.param(41, 0.075, 710, id="many failures"),
    ],
)
def test_so_many_attempts_rule_the_rate_out_and_one_less_does_not(failures, rate, needed):
    assert attempts_needed(failures, rate, 0.05) == needed
    assert chance_of_at_most(failures, rate * needed) <= 0.05 < chance_of_at_most(failures, rate * (needed - 1))


@pytest.mark.parametrize(
    ("number", "among", "share", "chance"),
    [
        pytest.param(0, 0, 0.3, 1.0, id="none or more are certain"),
        pytest.param(1, 2, 0.5, 0.75, id="one of two coins"),
        pytest.param(3, 10, 0.1, 0.070191, id="three of ten"),
        pytest.param(10, 10, 0.5, 0.000977, id="all of ten"),
        pytest.param(11, 10, 0.5, 0.0, id="more than there are"),
        pytest.param(1, 10, 0.0, 0.0, id="what never comes"),
        pytest.param(10, 10, 1.0, 1.0, id="what always comes"),
        pytest.param(20_100, 200_000, 0.1, 0.2290, id="among many"),
    ],
)
def test_the_chance_of_at_least_so_many_among_so_many(number, among, share, chance):
    assert chance_of_at_least_among(number, among, share) == pytest.approx(chance, abs=1e-4)
