"""The policy that all attacks are played under: the shipped one, with more to attack in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

#: refused webhooks at an address of their own: what the attacks on single runs have for an incident
OTHER_WEBHOOKS = "T2_other"


def hostile(document: dict[str, Any]) -> None:
    """Two people have to agree to a force, on-call may break the glass for a rollback, and a second address takes webhooks."""
    document["approvals"]["backfill_force"] |= {"approvers": ["payments-lead", "ops-lead", "admin"], "approvers_needed": 2}
    document["break_glass"] |= {"users": ["oncall"], "kinds": ["flag_rollback"]}
    document["triggers"][OTHER_WEBHOOKS] = deepcopy(document["triggers"]["T2"])
    document["triggers"][OTHER_WEBHOOKS]["source"]["path"] = "/api/v1/other/webhook/"
    # its backfills may go by themselves: what the guardrails hold is what is attacked
    rows = [row for row in document["matrix"] if row["trigger"] == "T2"]
    document["matrix"] += [{**row, "trigger": OTHER_WEBHOOKS, "mode": "act"} for row in rows]
