"""HTTP calls that may be repeated: bounded in time, tried again only where nothing is known to have happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx
from tenacity import RetryError, Retrying, retry_if_exception, retry_if_result, stop_after_attempt, wait_exponential

from ledger_guard.adapters.http.bounded_http import MOST_BYTES, NoAnswer, ask
from ledger_guard.domain.errors import SourceUnavailable

#: answers of something in between that did not reach the server, or not for now
TRY_AGAIN = frozenset({502, 503, 504})
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0


class HttpCaller:
    """Calls with a token, a time for each whole try, and a number of tries.

    Redirects are not followed: a token stays where it was sent.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        attempts: int,
        token: Callable[[], str | None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._token = token
        self._sleep = sleep

    def call(
        self,
        method: str,
        url: str,
        *,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        key: str | None = None,
        form: Mapping[str, str] | None = None,
        more_headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> httpx.Response:
        """The answer, whatever its status, save 502, 503 and 504 of the last try.

        `key` goes along as `Idempotency-Key`, the same one in each try. `form` is sent as a form instead of a JSON `body`.

        Raises:
            SourceUnavailable: no answer in any try. Whether a write took place is not known: read before writing again.
        """
        token = self._token()
        headers = {"Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        headers |= more_headers or {}
        content = urlencode(form).encode() if form else None
        sent = {"json": body, "content": content, "headers": headers, "most_bytes": most_bytes}
        try:
            return self._retrying(ask, method, url, seconds=self._timeout_seconds, **sent)
        except RetryError as error:
            last = error.last_attempt
            why = str(last.exception()) if last.failed else f"status {last.result().status_code}"
        except NoAnswer as error:
            raise SourceUnavailable(f"{method} {url}: {error}") from error
        raise SourceUnavailable(f"{method} {url}: no answer in {self._attempts} tries ({why})")

    @property
    def _retrying(self) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS),
            retry=retry_if_exception(_may_pass) | retry_if_result(_says_try_again),
            sleep=self._sleep,
        )


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, NoAnswer) and error.may_pass


def _says_try_again(answer: httpx.Response) -> bool:
    return answer.status_code in TRY_AGAIN
