"""Windows lie on a grid, and a window counts as closed from the moment it ends."""

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.windows import Window, closed_windows, iso

FIVE = timedelta(minutes=5)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%H:%M:%S").replace(year=2026, month=3, day=1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("now", "starts"),
    [
        pytest.param("10:09:59", ["10:00:00"], id="a second before the end"),
        pytest.param("10:10:00", ["10:00:00", "10:05:00"], id="at the end"),
        pytest.param("10:10:01", ["10:00:00", "10:05:00"], id="a second after"),
    ],
)
def test_a_window_is_closed_from_the_moment_it_ends(now, starts):
    assert [window.start for window in closed_windows(at("10:00:00"), at(now), FIVE)] == [at(start) for start in starts]


def test_a_window_that_began_before_is_left_out():
    assert [window.start for window in closed_windows(at("10:00:01"), at("10:10:00"), FIVE)] == [at("10:05:00")]


def test_the_first_moment_belongs_to_the_window_and_the_last_to_the_next():
    assert Window.containing(at("10:05:00"), FIVE).start == at("10:05:00")
    assert Window.containing(at("10:04:59"), FIVE).start == at("10:00:00")


def test_another_zone_means_the_same_window():
    istanbul = timezone(timedelta(hours=3))
    assert Window(datetime(2026, 3, 1, 13, 0, tzinfo=istanbul), FIVE) == Window(at("10:00:00"), FIVE)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        Window(datetime(2026, 3, 1), FIVE)  # noqa: DTZ001


def test_text_is_utc_to_the_second():
    assert iso(at("10:00:00")) == "2026-03-01T10:00:00Z"
