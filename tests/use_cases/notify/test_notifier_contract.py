"""One contract for all notifiers: the one in memory, and Slack's through Airflow's hook and a stand-in server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ledger_guard.adapters.memory.notifier import InMemoryNotifier
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.ports.people import Notifier

NOTICE = Notice(
    "classify · T1 insufficient_funds · severe · isolated", "acme rose.", (("Tenants", "acme"),), (("Board", "http://b"),)
)


@dataclass
class Channel:
    """A notifier, and the threads that its channel saw, oldest first."""

    notifier: Notifier
    threads: Any
    break_down: Any


@pytest.fixture(params=["memory", pytest.param("slack", marks=pytest.mark.airflow)])
def channel(request) -> Channel:
    if request.param == "memory":
        notifier = InMemoryNotifier()
        return Channel(
            notifier,
            lambda: [posted.thread.ts if posted.thread else None for posted in notifier.posted],
            lambda: notifier.break_down("down"),
        )
    from ledger_guard.adapters.notifiers.slack import SlackNotifier
    from ledger_guard.entrypoints.airflow.slack import slack_call

    slack = request.getfixturevalue("slack")

    def refuse() -> None:
        slack.workspace.limits.refuse_with = "internal_error"

    notifier = SlackNotifier(slack_call(request.getfixturevalue("slack_connection")), "#ledger-ops")
    return Channel(notifier, lambda: [message.thread_ts for message in slack.workspace.messages], refuse)


def test_a_notice_without_a_thread_stands_at_the_top_of_the_channel(channel):
    ref = channel.notifier.post(NOTICE, None)
    assert ref.channel
    assert ref.ts
    assert channel.threads() == [None]


def test_a_notice_with_a_thread_stands_under_it(channel):
    first = channel.notifier.post(NOTICE, None)
    second = channel.notifier.post(NOTICE, first)
    assert channel.threads() == [None, first.ts]
    assert second.channel == first.channel
    assert second.ts != first.ts


def test_two_notices_stand_at_two_places(channel):
    assert channel.notifier.post(NOTICE, None) != channel.notifier.post(NOTICE, None)


def test_a_channel_that_is_down_is_a_failed_notification_and_keeps_nothing(channel):
    channel.break_down()
    with pytest.raises(NotificationFailed):
        channel.notifier.post(NOTICE, None)
    assert channel.threads() == []


def test_a_thread_of_a_channel_that_is_not_there_is_a_failed_notification(channel):
    with pytest.raises(NotificationFailed, match="channel_not_found"):
        channel.notifier.post(NOTICE, ThreadRef("C0ELSEWHERE", "1.000001"))
