"""What a number of failures among attempts proves."""

from __future__ import annotations

import math


def chance_of_at_most(failures: int, expected: float) -> float:
    """How probable so few failures (>= 0), or fewer, are where `expected` (>= 0) are to be expected."""
    if expected <= 0:
        return 1.0
    log_expected = math.log(expected)
    terms = (math.exp(count * log_expected - expected - math.lgamma(count + 1)) for count in range(failures + 1))
    return min(1.0, math.fsum(terms))


def chance_of_at_least(failures: int, expected: float) -> float:
    """How probable so many failures (>= 0), or more, are where `expected` (>= 0) are to be expected."""
    return 1.0 if failures <= 0 else max(0.0, 1.0 - chance_of_at_most(failures - 1, expected))


def chance_of_at_least_among(number: int, among: int, share: float) -> float:
    """How probable `number` or more of `among` (>= 0) are where each is one with the probability `share` (0 to 1).

    The upper tail of the binomial law, exact: failures among few attempts, where the Poisson law says too much.
    """
    if number <= 0:
        return 1.0
    if number > among or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    whole = math.lgamma(among + 1)
    terms = (
        math.exp(whole - math.lgamma(each + 1) - math.lgamma(among - each + 1) + each * log_share + (among - each) * log_rest)
        for each in range(number, among + 1)
    )
    return min(1.0, math.fsum(terms))


def attempts_needed(failures: int, rate: float, chance: float) -> int:
    """The fewest attempts among which so few failures have at most this chance if failures came at `rate`.

    That is the smallest n with P(X <= failures | Poisson(rate · n)) <= chance: the one-sided exact test of a Poisson mean. For
    no failure at all it is -ln(chance) / rate, at 5 % the "rule of three": three over the rate (Hanley and Lippman-Hand 1983).
    `rate` in failures an attempt, above 0; `chance` above 0 and below 1.
    """
    low, high = 0.0, 1.0
    while chance_of_at_most(failures, high) > chance:
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2.0
        low, high = (middle, high) if chance_of_at_most(failures, middle) > chance else (low, middle)
    return math.ceil(high / rate)
