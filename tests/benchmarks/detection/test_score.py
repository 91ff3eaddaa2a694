"""What hand-made verdicts earn and cost, where the right answer can be counted on fingers."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.detection.score import Score
from benchmarks.detection.truth import Case, ScoredIncident, Truth
from benchmarks.detection.verdicts import Verdicts, Word

#: windows of five minutes: a day that is not scored, and two that are
DAY = 288
ONSET = 2 * DAY


def truth_of(
    right: dict[tuple[int, int], int] | None = None, *, is_widespread: bool = False, is_detectable: bool = True
) -> Truth:
    """Two tenants; the first has one incident with the given right words, if any."""
    shape = (3 * DAY, 2)
    words = np.full(shape, Word.NONE, dtype=np.int8)
    is_open = np.zeros(shape, dtype=bool)
    is_open[:DAY] = True
    incidents: tuple[ScoredIncident, ...] = ()
    if right:
        for (first, after), word in right.items():
            words[first:after, 0] = word
        end = max(after for _, after in right)
        is_open[end : end + 12, 0] = True
        severe_from = min((first for (first, _), word in right.items() if word == Word.SEVERE), default=None)
        case = Case(0, ONSET, end, severe_from, is_detectable)
        incidents = (ScoredIncident("spike", is_widespread, ONSET, end, (case,)),)
    nowhere = np.zeros(shape, dtype=bool)
    return Truth(5, DAY, words, is_open, ~nowhere, nowhere.copy(), incidents, ())


def said(*spells: tuple[int, int, Word], tenant: int = 0) -> Verdicts:
    words = np.full((3 * DAY, 2), Word.NONE, dtype=np.int8)
    for first, after, word in spells:
        words[first:after, tenant] = word
    return Verdicts(words, np.zeros(words.shape, dtype=bool))


def scored(truth: Truth, verdicts: Verdicts) -> Score:
    score = Score()
    score.add(truth, verdicts)
    return score


SEVERE_HOURS = {(ONSET, ONSET + 36): Word.SEVERE}
MILD_HALF_HOUR = {(ONSET, ONSET + 6): Word.MILD}


@pytest.mark.parametrize(
    ("delay_windows", "credit"),
    [
        pytest.param(0, 1.0, id="at once"),
        pytest.param(3, 1.0, id="after 15 minutes"),
        pytest.param(6, 1 - 0.5 / 3, id="after half an hour"),
        pytest.param(12, 0.5, id="after an hour"),
        pytest.param(30, 0.5, id="in the end"),
    ],
)
def test_a_severe_trouble_earns_by_how_soon_it_is_called_severe(delay_windows, credit):
    score = scored(truth_of(SEVERE_HOURS), said((ONSET + delay_windows, ONSET + 36, Word.SEVERE)))
    assert score.credit == pytest.approx(credit)
    assert score.severe_delay_minutes == 5 * delay_windows
    assert (score.severe_false, score.mild_false) == (0, 0)


@pytest.mark.parametrize(
    ("right", "word", "credit"),
    [
        pytest.param(SEVERE_HOURS, Word.MILD, 0.25, id="severe called mild"),
        pytest.param(SEVERE_HOURS, Word.NONE, 0.0, id="severe missed"),
        pytest.param(MILD_HALF_HOUR, Word.MILD, 1.0, id="mild called mild"),
        pytest.param(MILD_HALF_HOUR, Word.SEVERE, 0.5, id="mild called severe"),
        pytest.param(MILD_HALF_HOUR, Word.NONE, 0.0, id="mild missed"),
    ],
)
def test_a_trouble_earns_by_what_it_is_called(right, word, credit):
    assert scored(truth_of(right), said((ONSET, ONSET + 6, word))).credit == pytest.approx(credit)


def test_an_alarm_that_has_stood_for_hours_finds_nothing():
    stale = said((ONSET - 40, ONSET + 36, Word.SEVERE))
    assert scored(truth_of(SEVERE_HOURS), stale).credit == 0


def test_an_old_mild_alarm_that_turns_severe_finds_a_trouble():
    turned = said((ONSET - 40, ONSET + 2, Word.MILD), (ONSET + 2, ONSET + 36, Word.SEVERE))
    assert scored(truth_of(SEVERE_HOURS), turned).credit == 1


def test_what_no_one_could_tell_from_luck_earns_nothing():
    score = scored(truth_of(SEVERE_HOURS, is_detectable=False), said((ONSET, ONSET + 36, Word.SEVERE)))
    assert np.isnan(score.credit)
    assert np.isnan(score.recall)


@pytest.mark.parametrize(
    ("spells", "severe", "mild"),
    [
        pytest.param([(400, 401, Word.MILD)], 0, 1, id="one window"),
        pytest.param([(400, 403, Word.MILD), (403, 404, Word.SEVERE)], 1, 0, id="counted at its gravest"),
        pytest.param([(400, 402, Word.SEVERE), (408, 409, Word.SEVERE)], 1, 0, id="a pause of 30 minutes"),
        pytest.param([(400, 402, Word.SEVERE), (409, 410, Word.SEVERE)], 2, 0, id="a pause of 35 minutes"),
        pytest.param([(400, 447, Word.SEVERE)], 1, 0, id="just below four hours"),
        pytest.param([(400, 448, Word.SEVERE)], 2, 0, id="four hours count again"),
        pytest.param([(100, 200, Word.SEVERE)], 0, 0, id="while learning"),
    ],
)
def test_false_alarms_are_counted_as_they_are_read(spells, severe, mild):
    score = scored(truth_of(), said(*spells, tenant=1))
    assert (score.severe_false, score.mild_false) == (severe, mild)
    assert score.severe_false_rate == pytest.approx(1000 * severe / 4)


def test_the_hour_after_a_trouble_is_free():
    end = ONSET + 36
    assert scored(truth_of(SEVERE_HOURS), said((ONSET, end + 12, Word.SEVERE))).severe_false == 0
    assert scored(truth_of(SEVERE_HOURS), said((ONSET, end + 13, Word.SEVERE))).severe_false == 1


def test_missing_rows_that_are_not_reported_multiply_the_headline_down():
    truth = truth_of(SEVERE_HOURS)
    truth.is_missing[400:410, 1] = True
    verdicts = said((ONSET, ONSET + 36, Word.SEVERE))
    verdicts.words[400:405, 1] = Word.NO_DATA
    score = scored(truth, verdicts)
    assert score.no_data.value == 0.5
    assert score.headline == pytest.approx(50)


def test_the_headline_falls_with_false_alarms():
    verdicts = said((ONSET, ONSET + 36, Word.SEVERE))
    verdicts.words[400, 1] = Word.SEVERE
    score = scored(truth_of(SEVERE_HOURS), verdicts)
    assert score.headline == pytest.approx(100 / (1 + score.severe_false_rate / 2))


@pytest.mark.parametrize(("is_widespread", "right"), [(False, 1.0), (True, 0.0)])
def test_scope_is_right_where_it_is_the_incidents(is_widespread, right):
    score = scored(truth_of(SEVERE_HOURS, is_widespread=is_widespread), said((ONSET, ONSET + 36, Word.SEVERE)))
    assert score.scope["widespread" if is_widespread else "isolated"].value == right


def test_a_trap_counts_until_an_hour_after_it():
    truth = replace(truth_of(), traps=(("traffic_surge", (1,), 400, 410),))
    assert scored(truth, said((421, 422, Word.SEVERE), tenant=1)).worst_trap == ("traffic_surge", 1.0)
    assert scored(truth, said((422, 423, Word.SEVERE), tenant=1)).worst_trap == ("traffic_surge", 0.0)


def test_worlds_add_up():
    score = scored(truth_of(SEVERE_HOURS), said((ONSET, ONSET + 36, Word.SEVERE)))
    score.add(truth_of(SEVERE_HOURS), said())
    assert score.credit == 0.5
    assert score.recall == 0.5
