"""Notices as Slack messages, each incident in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from ledger_guard.adapters.notifiers.slack_blocks import slack_message
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef

#: method of Slack's Web API, its arguments → its answer. Raises what slack_sdk raises, and NotificationFailed where there is no
#: usable connection.
SlackCall = Callable[[str, dict[str, Any]], Any]


class SlackNotifier:
    """Posts to one channel."""

    def __init__(self, call: SlackCall, channel: str) -> None:
        self._call = call
        self._channel = channel

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given.

        A connection that breaks after Slack took the notice leads to a second one: told twice is better than not at all.

        Raises:
            NotificationFailed: no connection, no answer, or a refusal, in one sentence that never holds the token.
        """
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415  importing this module has to stay cheap

        # what people or data wrote may hold an address: nothing is fetched and shown of it
        unfurls = {"unfurl_links": False, "unfurl_media": False}
        body: dict[str, Any] = {"channel": thread.channel if thread else self._channel, **slack_message(notice), **unfurls}
        if thread is not None:
            body["thread_ts"] = thread.ts
            body["reply_broadcast"] = notice.is_loud
        try:
            answer = self._call("chat.postMessage", body)
            return ThreadRef(str(answer["channel"]), str(answer["ts"]))
        except SlackApiError as error:
            raise NotificationFailed(f"Slack refused the notice for {body['channel']}: {_reason(error.response)}") from error
        except (SlackClientError, OSError, HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            raise NotificationFailed(f"Slack did not answer: {type(cause).__name__}: {_one_line(cause)}") from error


def _reason(response: Any) -> str:
    """Slack's own word for why, such as `channel_not_found`."""
    word = response.get("error") if hasattr(response, "get") else None
    return str(word) if word else "an answer that is not Slack's"


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]
