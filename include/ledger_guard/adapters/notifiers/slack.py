"""Slack, through the connection and hook of Airflow's Slack provider."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any

from ledger_guard.adapters.notifiers.slack_blocks import slack_message
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.notices import Notice, ThreadRef

#: how long one call to Slack may take
TIMEOUT_SECONDS = 10
#: further tries when Slack says "too many" or the connection breaks
RETRIES = 2
#: a longer wait than this is not worth holding a worker for
LONGEST_WAIT_SECONDS = 30


class PatientWithinBounds:
    """Retry on 429 as slack_sdk does, but only while Slack asks for no more than `LONGEST_WAIT_SECONDS`."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def can_retry(self, *, state: Any, request: Any, response: Any = None, error: Exception | None = None) -> bool:
        """Whether slack_sdk would try again, and the wait is bounded."""
        if not self._handler.can_retry(state=state, request=request, response=response, error=error):
            return False
        asked = next((value[0] for name, value in response.headers.items() if name.lower() == "retry-after"), "1")
        return asked.isdigit() and int(asked) <= LONGEST_WAIT_SECONDS

    def prepare_for_next_attempt(self, **attempt: Any) -> None:
        """Wait as long as Slack asked."""
        self._handler.prepare_for_next_attempt(**attempt)


class SlackNotifier:
    """Posts to one channel with the token of an Airflow connection; Airflow is loaded when something is posted."""

    def __init__(self, conn_id: str, channel: str) -> None:
        self._conn_id = conn_id
        self._channel = channel

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given.

        A connection that breaks after Slack took the notice leads to a second one: told twice is better than not at all.

        Raises:
            NotificationFailed: no connection, no answer, or a refusal, in one sentence that never holds the token.
        """
        from airflow.exceptions import AirflowException  # noqa: PLC0415  importing this module has to stay cheap
        from airflow.sdk.exceptions import AirflowRuntimeError  # noqa: PLC0415
        from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415

        # what people or data wrote may hold an address: nothing is fetched and shown of it
        unfurls = {"unfurl_links": False, "unfurl_media": False}
        body: dict[str, Any] = {"channel": thread.channel if thread else self._channel, **slack_message(notice), **unfurls}
        if thread is not None:
            body["thread_ts"] = thread.ts
            body["reply_broadcast"] = notice.is_loud
        try:
            answer = self._hook().call("chat.postMessage", json=body)
            return ThreadRef(str(answer["channel"]), str(answer["ts"]))
        except SlackApiError as error:
            raise NotificationFailed(f"Slack refused the notice for {body['channel']}: {_reason(error.response)}") from error
        except (SlackClientError, OSError, HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            raise NotificationFailed(f"Slack did not answer: {type(cause).__name__}: {_one_line(cause)}") from error
        except (AirflowException, AirflowRuntimeError, ValueError) as error:
            words = f"the Airflow connection {self._conn_id} is missing or unusable ({type(error).__name__})"
            raise NotificationFailed(f"{words}; allowed: a connection of type slack with the token as password") from None

    def _hook(self) -> Any:
        from airflow.providers.slack.hooks.slack import SlackHook  # noqa: PLC0415
        from slack_sdk.http_retry.builtin_handlers import (  # noqa: PLC0415
            ConnectionErrorRetryHandler,
            RateLimitErrorRetryHandler,
        )

        handlers = [
            PatientWithinBounds(RateLimitErrorRetryHandler(max_retry_count=RETRIES)),
            ConnectionErrorRetryHandler(max_retry_count=RETRIES),
        ]
        return SlackHook(slack_conn_id=self._conn_id, timeout=TIMEOUT_SECONDS, retry_handlers=handlers)


def _reason(response: Any) -> str:
    """Slack's own word for why, such as `channel_not_found`."""
    word = response.get("error") if hasattr(response, "get") else None
    return str(word) if word else "an answer that is not Slack's"


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]
