"""Secrets that are inspected when they are put in, and forgotten at once."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.secrets import SecretFinding, inspect_secret


class InMemorySecretSource:
    """Keeps findings, never values."""

    def __init__(self) -> None:
        self._findings: dict[str, SecretFinding] = {}

    def inspect(
        self,
        provider: str,
        name: str,
        value: str | None,
        *,
        placeholders: Sequence[str] = (),
        minimum_characters: int = 16,
        equal_in: Sequence[str] = (),
    ) -> None:
        """Judge a secret as it would stand in the environment; None means that it is not set."""
        self._findings[name] = inspect_secret(provider, name, value, placeholders, minimum_characters, equal_in=equal_in)

    def findings(self) -> list[SecretFinding]:
        """One finding a secret, in the order they were first put in."""
        return list(self._findings.values())
