"""Which parts of the policy a plan is bound to: every section of the schema is assigned, and each key of a bound one counts."""

from __future__ import annotations

import pytest

from ledger_guard.policy.command_runner import BackfillWriter, CommandRunner
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.plan_parts import BEARINGS, Bearing, changed_parts, parts_hash, plan_parts
from ledger_guard.policy.schema import Policy

POLICY = load_policy()
SCRIPT = CommandRunner(interpreter="/usr/bin/python3", module="scripts.backfill", working_directory="/srv/platform")


def with_key(section: str, key: str, value: object) -> Policy:
    return POLICY.model_copy(update={section: getattr(POLICY, section).model_copy(update={key: value})})


def changed(policy: Policy) -> dict[Bearing, tuple[str, ...]]:
    then = plan_parts(POLICY)
    found = {bearing: changed_parts(then, policy, bearing) for bearing in Bearing}
    return {bearing: names for bearing, names in found.items() if names}


def test_every_section_of_the_policy_is_assigned_and_nothing_else():
    """A new section fails here until someone decided what its change does to a plan."""
    assert set(BEARINGS) == set(Policy.model_fields) - {"content_hash"}


def test_the_same_policy_has_the_same_parts_and_nothing_changed():
    assert plan_parts(load_policy()) == plan_parts(POLICY)
    assert parts_hash(plan_parts(load_policy())) == parts_hash(plan_parts(POLICY))
    assert changed(POLICY) == {}


@pytest.mark.parametrize(
    "key", [key for key in type(POLICY.platform).model_fields if "_timeout_" not in key and "_lag_" not in key]
)
def test_each_key_of_the_platform_decides_rows_under_its_own_name(key):
    now = getattr(POLICY.platform, key)
    if key in ("tenant", "player", "wallet", "ledger"):
        value = now.model_copy(update={"table": "elsewhere"})
    else:
        others = {"schema_name": "other", "currency": "EUR", "transactions": None, "fill_bonus_from_player": not now}
        value = others[key] if key in others else now + 1
    name = "schema" if key == "schema_name" else key
    assert changed(with_key("platform", key, value)) == {Bearing.ROWS: (f"platform.{name}",)}


def test_a_ledger_word_is_a_change_of_the_ledger():
    ledger = POLICY.platform.ledger.model_copy(update={"void_statuses": ("gone",)})
    assert changed(with_key("platform", "ledger", ledger)) == {Bearing.ROWS: ("platform.ledger",)}


@pytest.mark.parametrize("key", ["statement_timeout_seconds", "lock_timeout_milliseconds", "most_replica_lag_seconds"])
def test_how_long_the_platform_may_take_decides_no_row(key):
    assert changed(with_key("platform", key, getattr(POLICY.platform, key) + 1)) == {}


def test_a_trigger_that_a_person_found_harmless_decides_no_row():
    """The plan keeps its sentences about triggers, and force looks at the table's triggers again."""
    wallet = POLICY.platform.wallet.model_copy(update={"known_triggers": ("audit",)})
    assert changed(with_key("platform", "wallet", wallet)) == {}


@pytest.mark.parametrize("key", list(type(POLICY.guardrails).model_fields))
def test_each_guardrail_counts_but_those_about_pace_expiry_and_remediations(key):
    now = getattr(POLICY.guardrails, key)
    policy = with_key("guardrails", key, not now if isinstance(now, bool) else now + 1)
    left_out = {"plan_valid_minutes", "batch_rows", "max_tenants_per_incident"}
    assert changed(policy) == ({} if key in left_out else {Bearing.LIMITS: ("guardrails",)})


@pytest.mark.parametrize("key", ["per_hour", "per_day"])
def test_each_budget_counts(key):
    period = getattr(POLICY.budget, key)
    assert changed(with_key("budget", key, period.model_copy(update={"rows": period.rows + 1}))) == {Bearing.LIMITS: ("budget",)}


@pytest.mark.parametrize("key", ["repaired_again_days", "cool_down_minutes", "settle_minutes"])
def test_each_rule_of_autonomy_counts(key):
    assert changed(with_key("autonomy", key, getattr(POLICY.autonomy, key) + 1)) == {Bearing.LIMITS: ("autonomy",)}


def test_when_a_repair_is_looked_at_again_does_not_count():
    assert changed(with_key("autonomy", "verify_again_hours", (2,))) == {}


def test_of_the_matrix_it_counts_which_rows_repair():
    rows = [row.model_copy(update={"actions": tuple(a for a in row.actions if a != "backfill")}) for row in POLICY.matrix]
    assert changed(POLICY.model_copy(update={"matrix": tuple(rows)})) == {Bearing.LIMITS: ("matrix",)}
    rows = [
        row.model_copy(update={"owner": "someone else", "actions": (*row.actions, "request_review")}) for row in POLICY.matrix
    ]
    assert changed(POLICY.model_copy(update={"matrix": tuple(rows)})) == {}


def test_who_carries_plans_out_counts_and_how():
    by_script = POLICY.model_copy(update={"backfill_writer": BackfillWriter.PLATFORM_SCRIPT, "command_runner": SCRIPT})
    assert changed(by_script) == {Bearing.WRITER: ("backfill_writer", "command_runner")}


def test_a_part_that_this_release_no_longer_has_counts_as_changed():
    then = {**plan_parts(POLICY), "guardrails.of_old": "0" * 32}
    assert changed_parts(then, POLICY, Bearing.LIMITS) == ("guardrails.of_old",)
