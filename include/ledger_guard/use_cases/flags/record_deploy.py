"""record_deploy: record a deploy of the platform, so that signature failures can be compared with it."""

from __future__ import annotations

from datetime import datetime

from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.records import DeployRecorded
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies


def record_deploy(deps: Dependencies, version: str, deployed_at: datetime | None, by: str) -> Deploy:
    """Record a deploy; None for `deployed_at` is now.

    Raises:
        BadInputError: no version, no name, or a time in the future. Nothing was written.
    """
    now = deps.wall_clock.now()
    for what, given in (("version", version), ("name of the person recording it", by)):
        if not given.strip():
            raise BadInputError(f"deploy: the {what} is empty; allowed: a text")
    moment = deployed_at or now
    if moment > now:
        raise BadInputError(f"deploy: {iso(moment)} is in the future; allowed: {iso(now)} or before")
    deploy = Deploy(new_id(), version.strip(), moment, by.strip(), now)
    with deps.state.transaction() as state:
        state.deploys.add(deploy)
        fact, subject = DeployRecorded(version=deploy.version, deployed_at=moment), f"deploy:{deploy.deploy_id}"
        state.audit.append(recorded(fact, actor=deploy.recorded_by, subject=subject, at=now))
    return deploy
