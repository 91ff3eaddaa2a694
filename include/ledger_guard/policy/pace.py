"""How fast a backfill may go: the section `backfill_pace` of the policy."""

from __future__ import annotations

from pydantic import Field

from ledger_guard.policy.section import Section


class BackfillPace(Section):
    """Limits of a backfill's load on the platform's database."""

    #: batches grow and shrink towards holding their locks for so long, up to the guardrails' batch_rows
    target_lock_milliseconds: int = Field(25, ge=1, le=10_000)
    least_batch_rows: int = Field(50, ge=1, le=100_000)
    #: no batch starts while more sessions than this wait for a lock
    most_waiting_sessions: int = Field(5, ge=0)
    #: nor while another transaction has been open for longer, nor while a replica is further behind
    longest_transaction_seconds: int = Field(300, ge=1)
    most_replica_lag_seconds: int = Field(30, ge=1)
    #: how often it looks again meanwhile
    look_again_seconds: float = Field(1.0, gt=0, le=60)
    #: a run that waited for so long in a row, paused or throttled, ends; what was done is journaled
    give_up_after_minutes: int = Field(60, ge=1)
