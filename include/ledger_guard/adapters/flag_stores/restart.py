"""Makes the platform's instances read their environment again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Protocol

from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.platform_script.bounded_process import Bounds, run_bounded
from ledger_guard.domain.command_outcome import CommandEnd
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.policy.flag_store import RestartCommand, RestartWebhook

_CHANGES = uuid.UUID("5b7f8f0e-5a0b-4b51-9f43-53a1b8a8a6b1")


class Restarter(Protocol):
    """Restarts every instance, or says why not."""

    def restart(self, flag: str, *, is_enabled: bool, change: str) -> None:
        """Return when it succeeded; `change` names the write that it belongs to. Raises SourceUnavailable otherwise."""


class CommandRestarter:
    """Runs the policy's program, an argument list without a shell."""

    def __init__(self, settings: RestartCommand, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = {name: environment[name] for name in settings.environment if name in environment}

    def restart(self, flag: str, *, is_enabled: bool, change: str) -> None:  # noqa: ARG002
        """Exit code 0 within the time is success. Its output may hold secrets and is not kept."""
        settings = self._settings
        program = settings.command[0]
        try:
            end, code = run_bounded(
                settings.command,
                settings.working_directory,
                self._environment,
                Bounds(settings.timeout_seconds, settings.term_grace_seconds),
                lambda: False,
                lambda _: None,
            )
        except OSError as error:
            raise SourceUnavailable(f"restart: {program} can't be started ({error.strerror})") from error
        if end is not CommandEnd.EXITED:
            raise SourceUnavailable(f"restart: {program} did not end within {settings.timeout_seconds:g} s and was ended")
        if code != 0:
            raise SourceUnavailable(f"restart: {program} ended with exit code {code}")


class WebhookRestarter:
    """Posts to the policy's address; one idempotency key a write, however often it is tried."""

    def __init__(self, settings: RestartWebhook, caller: HttpCaller) -> None:
        self._settings = settings
        self._caller = caller

    def restart(self, flag: str, *, is_enabled: bool, change: str) -> None:
        """A 2xx answer is success."""
        key = str(uuid.uuid5(_CHANGES, f"{flag} {is_enabled} {change}"))
        answer = self._caller.call("POST", self._settings.url, body={"flag": flag, "is_enabled": is_enabled}, key=key)
        if not answer.is_success:
            raise SourceUnavailable(f"restart: {self._settings.url} answered {answer.status_code}; allowed: 2xx")
