"""What the rule came to in one window, for verdicts and reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger_guard.detection.arrays import Flags, Floats
from ledger_guard.detection.healthy_level import Prediction
from ledger_guard.detection.pooled_evidence import Movement


@dataclass(frozen=True)
class RuleResult:
    """What one window came to, as arrays over tenants by index."""

    now: int
    present: Flags
    events: Floats
    exposure: Floats
    seen: Prediction
    movement: Movement
    #: traffic that would show a severe rise within the hour, a baseline that was learned for long enough, an end still in view
    is_sufficient: Flags
    is_known: Flags
    is_recovering: Flags
    #: probability of health, and the likeliest rise's ratio and age
    healthy: Floats
    ratio: Floats
    age_minutes: Floats
    #: held down because last week's same hours showed the same
    is_weekly: Flags
    #: the alarms as they stand
    level: NDArray[np.int8]
    rule: NDArray[np.int8]
    is_widespread: Flags
    since: NDArray[np.int64]
    #: variance of the window's count in health, and of the log rate with what the baseline does not know
    count_variance: Floats
    overdispersion: Floats
    usual_exposure: Floats
    learned: Floats
    hour_events: Floats
    hour_expected: Floats
