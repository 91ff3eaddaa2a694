"""Where the healthy level starts anew."""

import numpy as np
import pytest

from ledger_guard.detection.healthy_level import HealthyLevel
from ledger_guard.detection.spread import Spread


@pytest.mark.parametrize(
    ("returned", "starts_anew"),
    [pytest.param(0.49, False, id="below"), pytest.param(0.5, False, id="at"), pytest.param(0.51, True, id="above")],
)
def test_a_sunken_level_starts_anew_where_it_more_likely_came_back_at_once(returned, starts_anew):
    level, spread = HealthyLevel(5), Spread(5)
    for part in (level, spread):
        part.grow(1)
    level.slow[:], level.slow_variance[:], level.fast_variance[:], level.shared[:] = -0.8, 0.001, 0.001, -0.0005
    limit = np.array([0.05])
    seen = level.predict(np.array([100.0]), limit, spread)
    level.update(seen, seen.baseline, np.zeros(1), np.array([returned]), limit, spread)
    assert bool(level.level[0] == 0.0) is starts_anew
    # and of a level that starts anew, little is known
    expected = [0.05, spread.fast[0], 0.0] if starts_anew else [0.001, 0.001, -0.0005]
    assert [level.slow_variance[0], level.fast_variance[0], level.shared[0]] == pytest.approx(expected)
