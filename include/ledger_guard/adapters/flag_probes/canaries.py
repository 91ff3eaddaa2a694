"""Tries a flag's effect out with requests made for it; what is no clear answer shows nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping

from ledger_guard.adapters.flag_probes.requests import Answer, send, signature
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import ProbeLook
from ledger_guard.policy.probes import CanaryRequest, WebhookCanary, WithdrawalCanary
from ledger_guard.policy.request_template import filled


def webhook(canary: WebhookCanary, environment: Mapping[str, str], secret_of: Callable[[str], str | None]) -> ProbeLook:
    """On: the rightly signed webhook is accepted and the wrongly signed one refused. Off: both are accepted.

    Both refused is neither: the check refuses the provider too, or uses another secret.
    """
    what = "canary webhook"
    lacking = _lacking(canary, environment)
    try:
        secret = secret_of(canary.secret_env)
    except SourceUnavailable as error:
        secret, lacking = None, str(error)
    if lacking or not secret:
        return _unusable(what, f"nothing can be sent: {lacking or f'{canary.secret_env} is not set'}")
    right = _signed(canary, environment, secret)
    wrong = _signed(canary, environment, f"{secret} is not the secret")
    words = f"correctly signed {right.words}, wrongly signed {wrong.words}"
    is_right_refused, is_wrong_refused = (each.is_refusal(canary.refused_status, canary.refused_code) for each in (right, wrong))
    if is_right_refused and is_wrong_refused:
        return ProbeLook(None, f"{what}: {words}: the check refuses correct signatures too, or uses another secret")
    if (right.is_of_the_form and not is_right_refused) or (wrong.is_of_the_form and not is_wrong_refused):
        return _unusable(what, words)
    is_clear = right.is_accepted and (wrong.is_accepted or is_wrong_refused)
    return ProbeLook(is_wrong_refused if is_clear else None, f"{what}: {words}")


def withdrawal(canary: WithdrawalCanary, environment: Mapping[str, str]) -> ProbeLook:
    """On: a withdrawal of a player with an empty wallet is refused for want of funds. Off: it is allowed."""
    what = "canary withdrawal"
    if lacking := _lacking(canary, environment):
        return _unusable(what, f"nothing can be sent: {lacking}")
    values: dict[str, str | float] = {
        "canary_id": str(uuid.uuid4()),
        "tenant_id": canary.tenant_id,
        "player_id": canary.player_id,
        "amount": canary.amount_cents / 100,
    }
    content = json.dumps(filled(canary.body, values)).encode()
    has_key = "idempotency-key" in {name.lower() for name in canary.headers}
    answer = send(canary, content, values, environment, {} if has_key else {"Idempotency-Key": str(values["canary_id"])})
    if answer.is_refusal(canary.refused_status, canary.refused_code):
        return ProbeLook(True, f"{what}: {answer.words}")
    if answer.is_of_the_form:
        return _unusable(what, answer.words)
    return ProbeLook(False if answer.is_accepted else None, f"{what}: {answer.words}")


def _signed(canary: WebhookCanary, environment: Mapping[str, str], secret: str) -> Answer:
    values = {"canary_id": str(uuid.uuid4())}
    body = filled(canary.body, values)
    content = json.dumps(body).encode()
    signed = canary.signature_prefix + signature(canary.signature_scheme, secret, body, content)
    return send(canary, content, values, environment, {canary.signature_header: signed})


def _lacking(canary: CanaryRequest, environment: Mapping[str, str]) -> str:
    """What is missing for the request's bearer token; empty when nothing is."""
    return f"{canary.token_env} is not set" if canary.token_env is not None and not environment.get(canary.token_env) else ""


def _unusable(what: str, why: str) -> ProbeLook:
    return ProbeLook(None, f"{what} is unusable: {why}", is_usable=False)
