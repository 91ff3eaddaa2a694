"""Asks the test environment's validation probes over HTTP."""

from __future__ import annotations

from ledger_guard.adapters.http.bounded_http import NoAnswer, ask
from ledger_guard.domain.validation import ProbeAnswer
from ledger_guard.policy.schema import Policy


class HttpValidationSource:
    """ValidationSource over the policy's `restore.probes`; a redirect is no pass, and no body is kept."""

    def __init__(self, policy: Policy) -> None:
        self._probes = policy.restore.probes

    def ask(self, flag: str) -> ProbeAnswer | None:
        """See ValidationSource."""
        probe = self._probes.get(flag)
        if probe is None:
            return None
        try:
            status = ask("GET", probe.url, seconds=probe.timeout_seconds).status_code
        except NoAnswer as error:
            return ProbeAnswer(probe.url, None, passed=False, words=f"did not answer ({error})")
        wanted = "" if status == probe.status else f"; needed: {probe.status}"
        return ProbeAnswer(probe.url, status, passed=status == probe.status, words=f"answered {status}{wanted}")
