"""The policy's probes: instances asked over HTTP until all serve the value, then a canary."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ledger_guard.adapters.flag_probes import canaries
from ledger_guard.domain.flags import EVERYWHERE, ProbeFinding
from ledger_guard.policy.probes import InstanceProbe, Probe, WebhookCanary

_MOST_AT_ONCE = 16


class HttpFlagProbes:
    """FlagProbes over HTTP. Tokens and secrets are read from the environment when they are used, and are in no finding."""

    def __init__(
        self, probes: Mapping[str, Probe], environment: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._probes = probes
        self._environment = environment
        self._sleep = sleep

    def instances(self, flag: str, tenant_id: str, wanted: bool) -> list[ProbeFinding] | None:
        """One finding an instance; asks again those that do not serve `wanted` until the policy's time is up."""
        probe = self._probes.get(flag)
        if probe is None or probe.instances is None:
            return None
        if tenant_id != EVERYWHERE and probe.instances.tenant_parameter is None:
            return None
        asked = probe.instances
        waited = 0.0
        found: dict[str, ProbeFinding] = {}
        while True:
            open_urls = [url for url in asked.urls if url not in found or not found[url].is_in_effect]
            with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
                answers = pool.map(lambda url: self._served(asked, url, tenant_id, wanted=wanted), open_urls)
                found |= dict(zip(open_urls, answers, strict=True))
            if all(finding.is_in_effect for finding in found.values()):
                break
            if waited >= asked.wait_seconds:
                return [found[url] for url in asked.urls]
            self._sleep(asked.look_again_seconds)
            waited += asked.look_again_seconds
        return [found[url] for url in asked.urls]

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:
        """What the canary showed; None for a tenant that the canary does not belong to."""
        probe = self._probes.get(flag)
        if probe is None or probe.canary is None:
            return None
        if isinstance(probe.canary, WebhookCanary):
            # the test endpoint belongs to no tenant: it can speak for everybody only
            return canaries.webhook(probe.canary, self._environment, wanted=wanted) if tenant_id == EVERYWHERE else None
        if tenant_id not in (EVERYWHERE, probe.canary.tenant_id):
            return None
        return canaries.withdrawal(probe.canary, self._environment, wanted=wanted)

    def _served(self, asked: InstanceProbe, url: str, tenant_id: str, *, wanted: bool) -> ProbeFinding:
        headers = {"Accept": "application/json"}
        token = self._environment.get(asked.token_env) if asked.token_env else None
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        parameters = {asked.tenant_parameter: tenant_id} if asked.tenant_parameter and tenant_id != EVERYWHERE else {}
        try:
            answer = httpx.get(url, headers=headers, params=parameters, timeout=asked.timeout_seconds, trust_env=False)
            value = _at(answer.json(), asked.value_at) if answer.status_code == httpx.codes.OK else None
        except httpx.TransportError as error:
            return ProbeFinding(is_in_effect=False, words=f"instance {url} did not answer ({type(error).__name__})")
        except ValueError:
            return ProbeFinding(is_in_effect=False, words=f"instance {url} answered no JSON")
        if answer.status_code != httpx.codes.OK:
            return ProbeFinding(is_in_effect=False, words=f"instance {url} answered {answer.status_code}")
        if not isinstance(value, bool):
            return ProbeFinding(is_in_effect=False, words=f"instance {url} has neither true nor false at {asked.value_at}")
        return ProbeFinding(is_in_effect=value is wanted, words=f"instance {url} serves {'on' if value else 'off'}")


def _at(document: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
