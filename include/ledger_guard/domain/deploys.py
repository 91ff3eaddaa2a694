"""Recorded deploys of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Deploy:
    """One deploy: a possible cause of signature failures that begin shortly afterwards."""

    deploy_id: str
    #: what was deployed, as the platform names it: a tag, a commit
    version: str
    deployed_at: datetime
    recorded_by: str
    recorded_at: datetime
