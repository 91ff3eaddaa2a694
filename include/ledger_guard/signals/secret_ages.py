"""How old secrets are: since when the guard has seen them, and which rotations were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ledger_guard.domain.secrets import SecretFinding, SecretSighting
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork

#: by secret name, oldest first
Sightings = dict[str, list[SecretSighting]]


def look_at_secrets(deps: Dependencies) -> list[SecretFinding]:
    """Check every secret of the policy now, and record its fingerprint as seen.

    Raises:
        SourceUnavailable: the secrets can't be read.
    """
    findings = deps.secrets.findings()
    with deps.state.transaction() as state:
        return aged(deps, state, findings)[0]


def aged(deps: Dependencies, state: UnitOfWork, findings: Sequence[SecretFinding]) -> tuple[list[SecretFinding], Sightings]:
    """The findings with their ages and age problems; records that the secrets were seen now.

    A secret without a fingerprint has no age: it is wrong in any case.
    """
    now, sightings, found = deps.wall_clock.now(), {}, []
    for finding in findings:
        if finding.fingerprint is None:
            found.append(finding)
            continue
        seen = state.sightings.see(finding.name, finding.fingerprint, now)
        sightings[finding.name] = seen
        since = next(each.first_seen_at for each in seen if each.fingerprint == finding.fingerprint)
        problems = (*finding.problems, *_problems_of_age(deps, state, finding.name, since, now))
        found.append(replace(finding, seen_since=since, problems=problems))
    return found, sightings


def _problems_of_age(deps: Dependencies, state: UnitOfWork, secret_name: str, since: datetime, now: datetime) -> list[str]:
    problems, oldest_days = [], deps.policy.secrets.oldest_days
    if oldest_days is not None and now - since > timedelta(days=oldest_days):
        problems.append(f"has been in use since at least {iso(since)}; the policy allows {oldest_days} days")
    rotated = state.rotations.last_done(secret_name)
    if rotated is not None and rotated.done_at is not None and since < rotated.planned_at:
        problems.append(f"did not change in the rotation that {rotated.done_by} recorded as done at {iso(rotated.done_at)}")
    return problems
