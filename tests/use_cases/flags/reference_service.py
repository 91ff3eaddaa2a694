"""The sandbox's platform service as tests of probes need it: it knows one player and keeps what it was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ledger_sandbox.platform_books import Taken
from ledger_sandbox.platform_requests import Answer, WebhookEvent, WithdrawalRequest, player_token
from ledger_sandbox.platform_service import BALANCE, SIGNATURES, PlatformService

SECRET = "a mockpsp secret of the tests"
PLAYER = ("casino_tests", "canary-1")
TOKEN = player_token(*PLAYER)
WEBHOOK_PATH = "/api/v1/payments/webhook/mockpsp"
WITHDRAW_PATH = "/api/v1/player/wallet/withdraw"


class _OnePlayer:
    """Books of one player, with funds in the player row and an empty wallet."""

    def webhook(self, event: WebhookEvent, *, shadow_write: bool) -> Taken:
        return Taken.NEW if (event.tenant_id, event.player_id) == PLAYER else Taken.FAILED

    def withdraw(self, request: WithdrawalRequest, *, wallet_is_judge: bool) -> Taken:
        return Taken.NO_FUNDS if wallet_is_judge else Taken.NEW


class ReferenceService(PlatformService):
    """Obeys the attributes that a test sets; keeps what it was sent."""

    def __init__(self) -> None:
        self.enforces_signatures = False
        self.enforces_balance = False
        self.received: list[tuple[str, Mapping[str, str], Any]] = []
        super().__init__(
            lambda flag, _: {SIGNATURES: self.enforces_signatures, BALANCE: self.enforces_balance}[flag],
            SECRET,
            follows_table=True,
            books=_OnePlayer(),
        )

    def answer(self, path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        self.received.append((path, headers, json.loads(content)))
        return super().answer(path, headers, content)
