"""Requests of probes as the policy writes them down: built, signed, sent, and their answers read."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import JsonValue

from ledger_guard.adapters.http.bounded_http import NoAnswer, ask
from ledger_guard.policy.probes import CanaryRequest, SignatureScheme
from ledger_guard.policy.request_template import filled_text

#: refusals that pass by themselves and have nothing to do with the request's form
_PASSING = (408, 425, 429)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,59}")
_FIELD = re.compile(r"[A-Za-z0-9_]{1,40}")


def signature(scheme: SignatureScheme, secret: str, body: JsonValue, content: bytes) -> str:
    """The signature of a body, and of the bytes that carry it, in lower-case hex."""
    if scheme is SignatureScheme.HMAC_SHA256_BODY:
        return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{secret}{canonical}".encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What came back for a request; `status` is None when nothing did."""

    status: int | None
    #: the body, to search for a code; never shown
    text: str
    #: for people: `answered 401 WEBHOOK_SIGNATURE_INVALID`, or why nothing came
    words: str

    def is_refusal(self, status: int, code: str | None) -> bool:
        """Whether this is how enforcement refuses; without a code the status alone tells."""
        return self.status == status and (code is None or code in self.text)

    @property
    def is_accepted(self) -> bool:
        """Whether the request was taken."""
        return self.status is not None and httpx.codes.is_success(self.status)

    @property
    def is_of_the_form(self) -> bool:
        """Whether it is about the request itself."""
        return self.status is not None and is_of_the_form(self.status)


def send(
    request: CanaryRequest,
    content: bytes,
    values: Mapping[str, str | float],
    environment: Mapping[str, str],
    own_headers: Mapping[str, str],
) -> Answer:
    """Send a request with its headers, and its bearer token from the environment. Redirects are not followed."""
    headers = {name: filled_text(template, values) for name, template in request.headers.items()}
    if request.token_env is not None:
        headers["Authorization"] = f"Bearer {environment[request.token_env]}"
    headers |= {"Content-Type": "application/json", **own_headers}
    try:
        answer = ask(request.method, request.url, seconds=request.timeout_seconds, headers=headers, content=content)
    except NoAnswer as error:
        return Answer(None, "", f"got no answer ({error})")
    return Answer(answer.status_code, answer.text, f"answered {_told(answer)}")


def is_of_the_form(status: int) -> bool:
    """Whether the answer is about the request itself: redirected, or refused so that a retry can't help."""
    return 300 <= status < 500 and status not in _PASSING


def _told(answer: httpx.Response) -> str:
    """The status, with the error code or the fields that were found wrong as far as the body names them.

    Nothing else of a body is shown: it may repeat what was sent.
    """
    try:
        document = answer.json()
    except ValueError:
        return str(answer.status_code)
    named = _named(document) if isinstance(document, dict) else ""
    return f"{answer.status_code} {named}".rstrip()


def _named(document: dict[str, Any]) -> str:
    detail = document.get("detail")
    if isinstance(detail, list):
        places = [part["loc"] for part in detail if isinstance(part, dict) and isinstance(part.get("loc"), list)]
        return ", ".join(".".join(str(step) for step in place if _FIELD.fullmatch(str(step))) for place in places[:5])
    inner = detail.get("error_code") if isinstance(detail, dict) else detail
    code = inner or document.get("error_code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
