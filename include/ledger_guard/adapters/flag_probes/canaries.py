"""Tries a flag's effect out with requests made for it; what is no clear answer is not in effect."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping

import httpx

from ledger_guard.domain.flags import ProbeFinding
from ledger_guard.policy.probes import WebhookCanary, WithdrawalCanary


def webhook(canary: WebhookCanary, environment: Mapping[str, str], *, wanted: bool) -> ProbeFinding:
    """Enforced: the rightly signed webhook is accepted and the wrongly signed one refused. Not enforced: both are accepted."""
    secret = environment.get(canary.secret_env, "")
    if not secret:
        return ProbeFinding(is_in_effect=False, words=f"canary webhook: {canary.secret_env} is not set, nothing can be signed")
    right, why = _signed(canary, secret)
    if right is None:
        return ProbeFinding(is_in_effect=False, words=f"canary webhook: {canary.url} did not answer ({why})")
    wrong, why = _signed(canary, f"{secret} is not the secret")
    if wrong is None:
        return ProbeFinding(is_in_effect=False, words=f"canary webhook: {canary.url} did not answer ({why})")
    is_right_taken = right.is_success
    is_wrong_as_wanted = wrong.status_code == canary.refused_status if wanted else wrong.is_success
    return ProbeFinding(
        is_in_effect=is_right_taken and is_wrong_as_wanted,
        words=f"canary webhook: rightly signed answered {right.status_code}, wrongly signed {wrong.status_code}",
    )


def withdrawal(canary: WithdrawalCanary, environment: Mapping[str, str], *, wanted: bool) -> ProbeFinding:
    """Enforced: a withdrawal of a player with an empty wallet is refused for want of funds. Not enforced: it is allowed."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if canary.token_env is not None:
        token = environment.get(canary.token_env, "")
        if not token:
            return ProbeFinding(is_in_effect=False, words=f"canary withdrawal: {canary.token_env} is not set")
        headers["Authorization"] = f"Bearer {token}"
    amount = f"{canary.amount_cents // 100}.{canary.amount_cents % 100:02d}"
    body = {"tenant_id": canary.tenant_id, "player_id": canary.player_id, "amount": amount}
    try:
        answer = httpx.post(canary.url, json=body, headers=headers, timeout=canary.timeout_seconds, trust_env=False)
    except httpx.TransportError as error:
        words = f"canary withdrawal: {canary.url} did not answer ({type(error).__name__})"
        return ProbeFinding(is_in_effect=False, words=words)
    is_refused = answer.status_code == canary.refused_status and canary.refused_code in answer.text
    return ProbeFinding(
        is_in_effect=is_refused if wanted else answer.is_success,
        words=f"canary withdrawal: answered {answer.status_code}{f' {canary.refused_code}' if is_refused else ''}",
    )


def _signed(canary: WebhookCanary, secret: str) -> tuple[httpx.Response | None, str]:
    body = json.dumps({"event": "canary", "id": str(uuid.uuid4())}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", canary.signature_header: canary.signature_prefix + signature}
    try:
        return httpx.post(canary.url, content=body, headers=headers, timeout=canary.timeout_seconds, trust_env=False), ""
    except httpx.TransportError as error:
        return None, type(error).__name__
