"""A policy with a fourth trigger, and a guard in memory that watches it."""

from __future__ import annotations

from datetime import datetime, timedelta

import yaml

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.windows import UTC, Window
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import AffectedSubject

T4 = Trigger("T4")
FLAG = "game_rounds_checked"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LENGTH = timedelta(minutes=5)
TENANTS = ("acme", "bingo", "casino", "dice", "emerald", "fortune")
#: windows of an ordinary past, and of the trouble behind them
QUIET, TROUBLE = 60, 3

GENERIC = {
    "signal": "generic",
    "name": "game_timeouts",
    "description": "HTTP 504 GAME_TIMEOUT out of game rounds",
    "nouns": {"events": "timed-out rounds", "exposure": "rounds", "subjects": "players"},
    "source": {
        "kind": "access_events",
        "method": "POST",
        "path": "/api/v1/game/round",
        "status": 504,
        "error_code": "GAME_TIMEOUT",
        "subject": "player",
    },
    "flag": FLAG,
    "runbook": "docs/runbooks/T4_game_timeouts.md",
}
ROWS = (
    {
        "trigger": "T4",
        "severity": "mild",
        "actions": ["notify", "triage"],
        "runbook_says": "Watch; find out whether it is one tenant.",
        "owner": "oncall",
    },
    {
        "trigger": "T4",
        "severity": "severe",
        "actions": ["notify", "freeze", "triage", "roll_back", "request_review"],
        "runbook_says": "Roll the check of game rounds back; find the root cause.",
        "owner": "games-lead",
    },
)


def policy_with(trigger: dict[str, object], **changes: object) -> Policy:
    """The shipped policy, and the fourth trigger beside its three."""
    document = yaml.load(policy_path().read_text(encoding="utf-8"), yaml.CSafeLoader)
    document["triggers"]["T4"] = {**trigger, **changes}
    document["matrix"] += [dict(row) for row in ROWS]
    document["flags"][FLAG] = {"env_name": "GAME_ROUNDS_CHECKED", "description": "the wallet checks game rounds"}
    return parse_policy(yaml.dump(document, Dumper=yaml.CSafeDumper), "policy.yaml")


def watched(policy: Policy) -> MemoryWorld:
    """Five hours of ordinary rounds, then a quarter of an hour in which four in ten time out everywhere."""
    world = memory_world(policy, NOON + TROUBLE * LENGTH)
    world.flags.put(FLAG, "*", is_enabled=True)
    for number in range(-QUIET, TROUBLE):
        window = Window(NOON + number * LENGTH, LENGTH)
        events = 40 if number >= 0 else number % 2
        world.signals.deliver(Reading(T4, tenant, window, events, 100, events) for tenant in TENANTS)
    world.signals.complete(T4, NOON + TROUBLE * LENGTH)
    for tenant in TENANTS:
        world.ledger.tenants.add(tenant)
        world.triage.affect(T4, NOON + LENGTH, AffectedSubject(tenant, "p-1", 90), AffectedSubject(tenant, "p-2", 30))
    return world
