"""The policy's probes: instances asked over HTTP until all serve the value, then a canary."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ledger_guard.adapters.flag_probes import canaries
from ledger_guard.adapters.flag_probes.requests import is_of_the_form
from ledger_guard.adapters.http.bounded_http import NoAnswer, ask
from ledger_guard.domain.flags import EVERYWHERE, ProbeFinding, ProbeLook, on_or_off
from ledger_guard.policy.probes import Canary, InstanceProbe, Probe, WebhookCanary

_MOST_AT_ONCE = 16


class HttpFlagProbes:
    """FlagProbes over HTTP. Tokens and secrets are read when they are used, and are in no finding.

    `secret_of` gives the signing secret of a name; without it the environment is looked at. It may raise SourceUnavailable.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe],
        environment: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
        *,
        secret_of: Callable[[str], str | None] | None = None,
    ) -> None:
        self._probes = probes
        self._environment = environment
        self._sleep = sleep
        self._secret_of = secret_of or environment.get

    def instances(self, flag: str, tenant_id: str, wanted: bool, *, once: bool = False) -> list[ProbeFinding] | None:
        """One finding an instance; asks again those that do not serve `wanted` until the policy's time is up, or asks once."""
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
            looks = self._served_by(asked, open_urls, tenant_id)
            found |= {url: look.finding(wanted) for url, look in zip(open_urls, looks, strict=True)}
            if all(finding.is_in_effect for finding in found.values()):
                break
            if once or waited >= asked.wait_seconds:
                return [found[url] for url in asked.urls]
            self._sleep(asked.look_again_seconds)
            waited += asked.look_again_seconds
        return [found[url] for url in asked.urls]

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:
        """What the canary showed; None for a tenant that the canary does not belong to."""
        probe = self._probes.get(flag)
        if probe is None or probe.canary is None:
            return None
        # a webhook belongs to no tenant: it can speak for everybody only
        speaks_for = (EVERYWHERE,) if isinstance(probe.canary, WebhookCanary) else (EVERYWHERE, probe.canary.tenant_id)
        return self._tried(probe.canary).finding(wanted) if tenant_id in speaks_for else None

    def looks(self, flag: str) -> list[ProbeLook]:
        """The instances in the policy's order, each asked once, then the canary."""
        probe = self._probes.get(flag)
        if probe is None:
            return []
        instances = self._served_by(probe.instances, probe.instances.urls, EVERYWHERE) if probe.instances else []
        return [*instances, *([self._tried(probe.canary)] if probe.canary else [])]

    def _tried(self, canary: Canary) -> ProbeLook:
        if isinstance(canary, WebhookCanary):
            return canaries.webhook(canary, self._environment, self._secret_of)
        return canaries.withdrawal(canary, self._environment)

    def _served_by(self, asked: InstanceProbe, urls: Sequence[str], tenant_id: str) -> list[ProbeLook]:
        with ThreadPoolExecutor(max_workers=_MOST_AT_ONCE) as pool:
            return list(pool.map(lambda url: self._served(asked, url, tenant_id), urls))

    def _served(self, asked: InstanceProbe, url: str, tenant_id: str) -> ProbeLook:
        headers = {"Accept": "application/json"}
        token = self._environment.get(asked.token_env) if asked.token_env else None
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        parameters = {asked.tenant_parameter: tenant_id} if asked.tenant_parameter and tenant_id != EVERYWHERE else {}
        try:
            answer = ask("GET", url, seconds=asked.timeout_seconds, headers=headers, parameters=parameters)
        except NoAnswer as error:
            return ProbeLook(None, f"instance {url} did not answer ({error})")
        if is_of_the_form(answer.status_code):
            return _unusable(url, f"answered {answer.status_code}")
        if answer.status_code != httpx.codes.OK:
            return ProbeLook(None, f"instance {url} answered {answer.status_code}")
        try:
            value = _at(answer.json(), asked.value_at)
        except ValueError:
            return _unusable(url, "answered no JSON")
        if not isinstance(value, bool):
            return _unusable(url, f"has neither true nor false at {asked.value_at}")
        return ProbeLook(value, f"instance {url} serves {on_or_off(value)}")


def _unusable(url: str, why: str) -> ProbeLook:
    return ProbeLook(None, f"instance {url} is unusable as a probe: {why}", is_usable=False)


def _at(document: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
