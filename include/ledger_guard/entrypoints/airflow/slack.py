"""Slack's Web API, through the connection and hook of Airflow's Slack provider."""

from __future__ import annotations

from typing import Any

from ledger_guard.adapters.notifiers.slack import SlackCall
from ledger_guard.domain.errors import NotificationFailed

#: how long one call to Slack may take
TIMEOUT_SECONDS = 10
#: retries when Slack says "too many requests" or the connection breaks
RETRIES = 2
#: a worker is not held for longer than this
LONGEST_WAIT_SECONDS = 30


class PatientWithinBounds:
    """Retry on 429 as slack_sdk does, but only while Slack asks for no more than `LONGEST_WAIT_SECONDS`."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def can_retry(self, *, state: Any, request: Any, response: Any = None, error: Exception | None = None) -> bool:
        """Whether slack_sdk would retry, and the wait is short enough."""
        if not self._handler.can_retry(state=state, request=request, response=response, error=error):
            return False
        asked = next((value[0] for name, value in response.headers.items() if name.lower() == "retry-after"), "1")
        return asked.isdigit() and int(asked) <= LONGEST_WAIT_SECONDS

    def prepare_for_next_attempt(self, **attempt: Any) -> None:
        """Wait as long as Slack asked."""
        self._handler.prepare_for_next_attempt(**attempt)


def slack_call(conn_id: str) -> SlackCall:
    """Calls with the token of an Airflow connection; Airflow is loaded when something is posted."""

    def call(method: str, arguments: dict[str, Any]) -> Any:
        from airflow.exceptions import AirflowException  # noqa: PLC0415  importing this module has to stay cheap
        from airflow.sdk.exceptions import AirflowRuntimeError  # noqa: PLC0415

        try:
            return _hook(conn_id).call(method, json=arguments)
        except (AirflowException, AirflowRuntimeError, ValueError) as error:
            words = f"the Airflow connection {conn_id} is missing or unusable ({type(error).__name__})"
            raise NotificationFailed(f"{words}; allowed: a connection of type slack with the token as password") from None

    return call


def _hook(conn_id: str) -> Any:
    from airflow.providers.slack.hooks.slack import SlackHook  # noqa: PLC0415
    from slack_sdk.http_retry.builtin_handlers import (  # noqa: PLC0415
        ConnectionErrorRetryHandler,
        RateLimitErrorRetryHandler,
    )

    handlers = [
        PatientWithinBounds(RateLimitErrorRetryHandler(max_retry_count=RETRIES)),
        ConnectionErrorRetryHandler(max_retry_count=RETRIES),
    ]
    return SlackHook(slack_conn_id=conn_id, timeout=TIMEOUT_SECONDS, retry_handlers=handlers)
