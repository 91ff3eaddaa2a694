"""Deploys of the platform, as somebody told the guard of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Deploy:
    """One deploy: what signature failures that begin shortly afterwards are held against."""

    deploy_id: str
    #: what was deployed, as the platform names it: a tag, a commit
    version: str
    deployed_at: datetime
    recorded_by: str
    recorded_at: datetime
