"""How force is paced while it is measured."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.wiring import open_dependencies


@dataclass(frozen=True)
class Pace:
    """A guard, and the batch size that it is given."""

    name: str
    deps: Dependencies
    #: the largest batch
    batch_rows: int


def policy_pace() -> Pace:
    """As the engine goes: small batches that grow and shrink by how long they hold their locks, up to the policy's size."""
    policy = load_policy()
    most, held = policy.guardrails.batch_rows, policy.backfill_pace.target_lock_milliseconds
    return Pace(f"batches of {held} ms, <= {most:,} rows", open_dependencies(policy), most)


def fixed_pace(batch_rows: int) -> Pace:
    """Always so many rows, however long that holds their locks."""
    policy = load_policy()
    unbounded = policy.backfill_pace.model_copy(update={"least_batch_rows": batch_rows, "target_lock_milliseconds": 10_000})
    return Pace(
        f"batches of {batch_rows:,} rows", open_dependencies(policy.model_copy(update={"backfill_pace": unbounded})), batch_rows
    )
