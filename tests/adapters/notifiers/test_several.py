"""Several channels: every one is told, the first keeps the threads, and a fault of one hides no other."""

from __future__ import annotations

import pytest

from ledger_guard.adapters.memory.notifier import InMemoryNotifier
from ledger_guard.adapters.notifiers.several import SeveralNotifiers
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice

NOTICE = Notice(title="classify · T1", summary="acme rose")


@pytest.fixture
def channels():
    return [InMemoryNotifier(channel) for channel in ("C0FIRST", "C0SECOND", "C0THIRD")]


@pytest.fixture
def several(channels):
    return SeveralNotifiers(channels[0], channels[1:])


def test_each_channel_gets_it_once_and_the_first_says_where_it_was_posted(channels, several):
    posted = several.post(NOTICE, None)
    assert posted.channel == "C0FIRST"
    assert [[each.notice for each in channel.posted] for channel in channels] == [[NOTICE]] * 3


def test_a_thread_is_the_first_channels_alone(channels, several):
    thread = several.post(NOTICE, None)
    several.post(NOTICE, thread)
    assert [channel.posted[-1].thread for channel in channels] == [thread, None, None]


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_channel_that_is_down_is_named_and_the_others_still_get_it(channels, several, broken):
    channels[broken].break_down("token revoked")
    with pytest.raises(NotificationFailed, match=f"{channels[broken]._channel} refused the notice: token revoked"):
        several.post(NOTICE, None)
    assert [len(channel.posted) for channel in channels] == [int(number != broken) for number in range(3)]


def test_every_channel_that_is_down_is_named(channels, several):
    for channel in channels:
        channel.break_down("no network")
    with pytest.raises(NotificationFailed, match=r"C0FIRST.*; .*C0SECOND.*; .*C0THIRD"):
        several.post(NOTICE, None)
