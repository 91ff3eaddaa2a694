"""The policy's section on drills. Left out: none may be started."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.policy.section import Section


def _tenant(word: str) -> str:
    try:
        return checked_tenant_id(word)
    except BadInputError as error:
        raise ValueError(str(error)) from error


class DrillRules(Section):
    """With which tenant an incident is played, and who is asked for how long."""

    #: must not exist on the platform; None: no drill may be started
    tenant_id: Annotated[str, AfterValidator(_tenant)] | None = None
    answer_within_minutes: int = Field(10, ge=1, le=24 * 60)
    #: a trigger without a drill for longer is marked as due; None: none is
    every_days: int | None = Field(None, ge=1, le=3660)
    #: who may answer; empty: the approvers of flag_rollback
    approvers: tuple[str, ...] = ()

    @property
    def every(self) -> timedelta | None:
        """How old a trigger's last drill may be."""
        return None if self.every_days is None else timedelta(days=self.every_days)
