"""What the platform as a whole does: its common movement, and whether that movement is a trouble of its own."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.tails import Floats, normal_score
from ledger_guard.policy.schema import Detection

#: the common factor is believed in full only over many tenants: with this many others it counts half
_TENANTS_FOR_HALF_BELIEF = 10.0
#: a tenant says something of the common factor once it expects this many events
_EVENTS_TO_BE_HEARD = 2.0
#: no tenant may pull the platform's pooled evidence further than this many standard deviations
_MOST_PULL = 3.0
#: pooled standard deviations below which a movement is no longer seen
_STILL_UP = 3.0
#: a tenant too thin to be judged is seen to have failed when its count is this improbable
_SEEN_TO_FAIL = float(np.log(0.001))


@dataclass(frozen=True)
class Movement:
    """What the platform did in one window."""

    is_widespread: bool
    #: tenants that moved with it
    moved: NDArray[np.bool_]
    #: ratio of the moved tenant in the middle; 1 when nobody moved
    ratio: float
    #: share of the judged tenants that moved
    share: float
    judged: int
    #: log probability of the pooled excess by chance
    log_p: float


def common_factor(events: Floats, expected: Floats, variance: Floats, heard: NDArray[np.bool_], limit: float) -> float:
    """How far the quiet tenants moved together, between 1 and `limit`: the weighted median of their ratios.

    A median, so that no single tenant's trouble hides itself; shrunk towards 1 where few tenants speak.
    """
    speaks = heard & (expected >= _EVENTS_TO_BE_HEARD)
    if not speaks.any():
        return 1.0
    ratio, weight = events[speaks] / expected[speaks], expected[speaks] ** 2 / variance[speaks]
    order = np.argsort(ratio, kind="stable")
    reached = np.cumsum(weight[order])
    middle = float(ratio[order][np.searchsorted(reached, reached[-1] / 2.0)])
    others = float(weight.sum() ** 2 / (weight**2).sum()) - 1.0
    return float(np.clip(1.0 + (middle - 1.0) * others / (others + _TENANTS_FOR_HALF_BELIEF), 1.0, limit))


def movement(
    events: Floats, expected: Floats, variance: Floats, judged: NDArray[np.bool_], detection: Detection, *, was_widespread: bool
) -> Movement:
    """Decide whether the platform moved: enough of the judged tenants rose, and their pooled excess is no chance.

    Once it did, it stays so until fewer than half of that share are up or their excess could be chance.
    """
    count = int(judged.sum())
    moved = judged & (events >= detection.mild_ratio * expected) & (events > 0)
    if count == 0:
        return Movement(False, moved, 1.0, 0.0, 0, 0.0)
    share = float(moved.sum()) / count
    pull = np.clip((events[judged] - expected[judged]) / np.sqrt(variance[judged]), -_MOST_PULL, _MOST_PULL)
    score = float(pull.sum() / np.sqrt(count))
    enough = int(moved.sum()) >= detection.widespread_minimum_tenants
    if was_widespread:
        is_widespread = enough and share >= detection.widespread_share / 2.0 and score >= _STILL_UP
    else:
        significant = score >= normal_score(detection.false_alarm_probability)
        is_widespread = enough and share >= detection.widespread_share and significant
    ratio = float(np.median(events[moved] / expected[moved])) if moved.any() else 1.0
    return Movement(is_widespread, moved, ratio, share, count, _log_normal_tail(score))


def collapse(
    log_p: Floats, events: Floats, expected: Floats, heard: NDArray[np.bool_], detection: Detection, *, was_widespread: bool
) -> Movement:
    """The platform's movement when most tenants nearly fail outright, seen where few of them have the traffic to be judged.

    `heard` are the tenants with attempts enough that a near-total failure would show; `log_p` says how improbable each
    one's count is on its own. In health one in a thousand looks failed, so half of them never do by chance.
    """
    moved = heard & (log_p <= _SEEN_TO_FAIL) & (events >= detection.severe_ratio * expected)
    count, enough = int(heard.sum()), int(moved.sum()) >= detection.widespread_minimum_tenants
    share = float(moved.sum()) / count if count else 0.0
    least = detection.widespread_share / 2.0 if was_widespread else detection.widespread_share
    ratio = float(np.median(events[moved] / np.maximum(expected[moved], 1e-9))) if moved.any() else 1.0
    return Movement(enough and share >= least, moved, ratio, share, count, float(log_p[moved].sum()))


def _log_normal_tail(score: float) -> float:
    """Log P(Z >= score), by Mills' ratio where the direct value would vanish."""
    if score < 8.0:
        return log(0.5 * erfc(score / sqrt(2.0)))
    return -0.5 * score * score - log(score * sqrt(2.0 * pi))
