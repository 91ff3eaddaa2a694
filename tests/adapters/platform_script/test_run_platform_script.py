"""The platform's own script is let loose for one stored plan, where it can't do harm, and believed in nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from tests.adapters.platform_script.script_worlds import BOOK, NOW, STAND_IN, TENANT, ScriptWorld, until
from tests.flag_writes import compare_and_set
from tests.triggers import T1
from tests.use_cases.backfill.backfill_worlds import approve

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.command_outcome import CommandFailed, CommandOutcome, WalletChanges
from ledger_guard.domain.errors import BadInputError, ConcurrentWriterError, SafetyRefusal
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.plans import PlanStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.command_runner import CommandRunner
from ledger_guard.use_cases.approvals.budget import budget_used
from ledger_guard.use_cases.approvals.stop import stop
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.health_check.verify_again import verify_again

pytestmark = pytest.mark.postgres


def test_silent_success_is_proved_by_the_wallets(world):
    found = world.run_script(world.planned())
    assert found.is_done
    assert (found.dry_run.output, found.run.output) == ((), ())
    assert found.changes == WalletChanges(applied=("lags", "none"))
    assert [world.wallet(player_id) for player_id in ("agrees", "lags", "none", "neighbour")] == [50.0, 20.0, 30.0, 1.0]


def test_the_scripts_own_dry_run_comes_first_and_both_are_for_this_tenant_alone(world):
    world.run_script(world.planned())
    common = f"--tenant-id={TENANT} --batch-size=2 --force"
    assert world.started() == [f"{common} --dry-run", common]


def test_create_missing_is_the_script_without_force(world):
    found = world.run_script(world.planned("create-missing"))
    assert found.changes == WalletChanges(applied=("none",))
    assert all("--force" not in started for started in world.started())
    assert world.wallet("lags") == 10.0


def test_create_missing_leaves_wallets_with_money_of_their_own_alone_so_it_may_run_beside_them(world):
    world.add_depositor("rich", 20.0, 50.0)
    assert world.run_script(world.planned("create-missing")).is_done
    assert world.wallet("rich") == 70.0


# --- output and exit code are not believed -------------------------------------------------------------------------


def test_exit_0_without_a_write_is_not_applied(world):
    world.write_script("print('created 1, updated 1, errors 0')")
    found = world.run_script(world.planned())
    assert (found.run.exit_code, found.is_done) == (0, False)
    assert found.changes == WalletChanges(not_applied=("lags", "none"))
    assert found.run.output == ("created 1, updated 1, errors 0",)


def test_a_script_that_dies_half_way_is_reported_with_what_it_wrote(world):
    for number in range(6):
        world.add_player(f"late{number}", 20.0, 10.0)
    # The second batch fails at its end, when everything of it is written and not yet committed.
    world.write_script(STAND_IN.replace("main()", "") + _DIES_AT_SECOND_COMMIT)
    found = world.run_script(world.planned())
    assert (found.run.exit_code, found.is_done) == (1, False)
    changes = found.changes
    assert (len(changes.applied) + len(changes.not_applied), len(changes.not_applied) > 0) == (8, True)
    assert "RuntimeError" in found.run.output[-1]


_DIES_AT_SECOND_COMMIT = """
import ledger_sandbox.backfill_wallet_balances as script
class Script(script.Script):
    def _batches(self, *given):
        for number, batch in enumerate(super()._batches(*given)):
            if number == 2 and not self._dry_run:
                raise RuntimeError("gone")
            yield batch
script.Script = Script
script.main()
"""


def test_a_script_that_writes_to_other_wallets_too_is_found_out(world):
    world.add_player("bystander", 40.0, 40.0)
    world.write_script(STAND_IN + _SPOILS_A_WALLET)
    found = world.run_script(world.planned())
    assert not found.is_done
    assert found.changes == WalletChanges(applied=("lags", "none"), new_differences=("bystander",))


_SPOILS_A_WALLET = """
import os, psycopg
if "--dry-run" not in sys.argv:
    with psycopg.connect(os.environ["DATABASE_URL"].replace("+asyncpg", "")) as connection:
        connection.execute("update walletbalance set balance_real_available = 1 where player_id = 'bystander'")
"""


def test_a_dry_run_that_writes_is_found_out_before_the_run(world):
    world.write_script(STAND_IN.replace("main()", "sys.argv = [word for word in sys.argv if word != '--dry-run']; main()"))
    with pytest.raises(SafetyRefusal, match="2 rows changed during"):
        world.run_script(world.planned())
    assert len(world.started()) == 1


def test_other_tenants_whose_mismatches_changed_are_counted(world):
    world.write_script(STAND_IN.replace("main()", f"sys.argv[sys.argv.index('--tenant-id={TENANT}')] = '--tenant-id='; main()"))
    found = world.run_script(world.planned())
    assert found.other_tenants == {"casino_8": (1, 0)}
    assert "mismatches of 1 other tenants changed" in found.remarks[0]


# --- live traffic ---------------------------------------------------------------------------------------------------


@contextmanager
def run_meanwhile(world: ScriptWorld, wallet_of: str) -> Iterator[tuple[psycopg.Connection, Future[CommandOutcome]]]:
    """A session that holds a wallet, and a run that comes to wait for it with the player read already."""
    plan = world.planned()
    with psycopg.connect(world.uri) as traffic, ThreadPoolExecutor(1) as pool:
        traffic.execute("select 1 from walletbalance where player_id = %s for update", [wallet_of])
        future = pool.submit(world.run_script, plan)
        until(lambda: future.done() or world.execute(_WAITS))
        yield traffic, future


_WAITS = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def test_a_deposit_that_the_script_overwrites_is_found_although_the_wallet_agrees_with_its_player(world):
    world.add_player("paying", 50.0, 50.0)
    with run_meanwhile(world, "paying") as (traffic, future):
        traffic.execute("update walletbalance set balance_real_available = 60 where player_id = 'paying'")
        traffic.execute(BOOK.encode(), [new_id(), new_id(), TENANT, "paying", "deposit", 10.0, "deposit_captured", new_id()])
        traffic.commit()
        found = future.result()
    assert world.wallet("paying") == 50.0
    expected = WalletChanges(applied=("lags", "none"), movements_erased=("paying",), new_differences=("paying",))
    assert found.changes == expected


def test_a_difference_that_the_script_makes_under_live_moves_is_found(world):
    world.add_player("playing", 50.0, 50.0)
    with run_meanwhile(world, "playing") as (traffic, future):
        traffic.execute("update player set balance_real_available = 40 where id = 'playing'")
        traffic.execute("update walletbalance set balance_real_available = 40 where player_id = 'playing'")
        traffic.commit()
        found = future.result()
    assert found.changes == WalletChanges(applied=("lags", "none"), new_differences=("playing",))


# --- refused before anything runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant_id", ["", " ", "%", "casino_%", "*", "--force", None])
def test_a_tenant_id_that_is_empty_or_a_pattern_starts_nothing(world, tenant_id):
    runner = world.runner()
    with pytest.raises(BadInputError):
        runner.run(tenant_id, world.planned().mode, is_dry_run=True)
    with pytest.raises(BadInputError), runner.as_only_writer(tenant_id):
        pass
    assert world.started() == []


def test_a_tenant_that_the_platform_does_not_know_starts_nothing(world):
    plan = world.planned()
    world.execute("update player set tenant_id = 'casino_8'")
    world.execute("delete from tenant where id = %s", TENANT)
    with pytest.raises(BadInputError, match="unknown to the platform"):
        world.run_script(plan)
    assert world.started() == []


def refused(world: ScriptWorld, plan, said: str, error: type[Exception] = SafetyRefusal) -> None:
    with pytest.raises(error, match=re.escape(said)):
        world.run_script(plan)
    assert world.started() == []
    assert [said in str(entry["refused"]) for entry in world.audited()] == [True]


def test_wallets_that_can_not_be_written_start_nothing(world):
    plan = world.planned()
    world.execute("create rule never as on update to walletbalance do instead nothing")
    refused(world, plan, "public.walletbalance has rule never")


def test_a_trigger_on_the_wallets_that_came_since_needs_an_approval(world):
    plan = world.planned()
    world.execute(
        "create function nothing() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger rounds before update on walletbalance for each row execute function nothing()"
    )
    refused(world, plan, "the script needs an approval (public.walletbalance has trigger rounds")


def test_a_wallet_with_money_of_its_own_refuses_a_forced_run(world):
    world.add_depositor("rich", 20.0, 50.0)
    refused(world, world.planned(), "1 are right (only the player row differs)")


def test_a_wallet_that_should_hold_more_than_its_player_refuses_a_run(world):
    world.add_depositor("rich", 20.0, 50.0)
    world.set_wallet("rich", 20.0)
    refused(world, world.planned(), "1 wallets should hold something else")


def test_a_player_whose_missing_wallet_should_hold_a_deposit_refuses_even_to_create_it(world):
    world.book("none", "deposit", 50.0, "deposit_captured")
    refused(world, world.planned("create-missing"), "1 wallets should hold something else")


def test_an_unexplained_wallet_refuses_a_forced_run_even_within_the_guardrails(world):
    world.add_player("odd", 20.0, 33.33)
    world.execute("delete from ledgertransaction where player_id = 'odd'")
    rails = world.deps.policy.guardrails.model_copy(update={"max_disputed_rows": 5})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"guardrails": rails}))
    refused(world, world.planned(), "1 need a human")


def test_a_disputed_wallet_needs_the_approval(world):
    world.add_player("odd", 40.0, 20.0)
    world.set_wallet("odd", 33.33)
    plan = world.planned()
    refused(world, plan, "no approval was requested")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert world.run_script(plan).is_done
    assert world.wallet("odd") == 40.0


def test_an_expired_plan_is_refused(world):
    plan = world.planned()
    world.clock.advance(plan.expires_at - NOW + timedelta(seconds=1))
    refused(world, plan, "expired")


def test_a_plan_that_no_longer_is_what_the_tenant_has_is_refused(world):
    plan = world.planned()
    world.execute("update player set balance_real_available = 19 where id = 'lags'")
    refused(world, plan, "its rows differ from the tenant's current ones")


def test_a_plan_whose_hash_was_edited_is_refused(world):
    plan = world.planned()
    world.execute("update ledger_guard.plan set plan_hash = %s", "0" * 64)
    refused(world, plan, "its rows differ from the tenant's current ones")


def test_rows_edited_behind_the_plans_hash_have_no_effect(world):
    """What is written and judged is what the hash covers, compared anew."""
    plan = world.planned()
    # As a replica, the append-only trigger does not stand in the way.
    world.execute("set session_replication_role = replica; update ledger_guard.plan_row set player_available = 1")
    assert world.run_script(plan).changes == WalletChanges(applied=("lags", "none"))
    assert world.wallet("lags") == 20.0


def under(world: ScriptWorld, **sections: object) -> None:
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"content_hash": "1" * 64, **sections}))


def test_a_plan_is_refused_when_ledger_words_changed_since(world):
    plan = world.planned()
    ledger = world.deps.policy.platform.ledger.model_copy(update={"void_statuses": ("gone",)})
    under(world, platform=world.deps.policy.platform.model_copy(update={"ledger": ledger}))
    refused(world, plan, "the policy's platform.ledger changed since the dry-run")


def test_a_plan_is_refused_when_its_writer_changed_since(world):
    plan = world.planned()
    under(world, command_runner=CommandRunner(interpreter="/bin/sh", module="other", working_directory="/srv"))
    refused(world, plan, "the policy's command_runner changed since the dry-run: it was not judged for this writer")


def test_a_plan_needs_an_approval_when_a_guardrail_changed_since(world):
    plan = world.planned()
    under(world, guardrails=world.deps.policy.guardrails.model_copy(update={"max_rows": 100_000}))
    refused(world, plan, "the script needs an approval (the policy's guardrails changed since the dry-run")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert world.run_script(plan).is_done


def test_a_plan_is_run_after_an_edit_that_does_not_concern_it(world):
    plan = world.planned()
    under(world, reminders=world.deps.policy.reminders.model_copy(update={"rolled_back_hours": 9.0}))
    assert world.run_script(plan).is_done


def test_a_plan_beyond_the_guardrails_needs_its_approval(world):
    rails = world.deps.policy.guardrails.model_copy(update={"max_rows": 1})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"guardrails": rails}))
    refused(world, world.planned(), "no approval was requested")


def test_a_plan_beyond_the_budget_needs_an_approval_too(world):
    hour = world.deps.policy.budget.per_hour.model_copy(update={"rows": 1})
    budget = world.deps.policy.budget.model_copy(update={"per_hour": hour})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"budget": budget}))
    refused(world, world.planned(), "hourly budget: 0 of 1 rows are used")


def with_autonomy(world: ScriptWorld, **rules: object) -> None:
    autonomy = world.deps.policy.autonomy.model_copy(update=rules)
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"autonomy": autonomy}))


def test_a_plan_of_a_row_that_proposes_needs_an_approval_too(world):
    """The dry-run that is made again belongs to no incident: the mode is that of the plan's own."""
    mild = Incident(new_id(), T1, IncidentStatus.MITIGATING, Severity.MILD, Scope.ISOLATED, (TENANT,), NOW, NOW, NOW)
    with world.deps.state.transaction() as state:
        state.incidents.add(mild)
    plan = dry_run(world.deps, TENANT, "force", "oncall", mild.incident_id)
    refused(world, plan, "mode of T1 mild: propose")
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert world.run_script(plan).is_done


def hours_budget(world: ScriptWorld) -> tuple[int, int, frozenset[str]]:
    """Rows, cents and tenants of the hour."""
    with world.deps.state.snapshot() as state:
        hour = budget_used(world.deps, state)[0]
    return hour.rows, hour.cents, hour.tenants


def test_what_the_script_wrote_counts_in_the_budgets_of_everybody(world):
    world.run_script(world.planned())
    assert hours_budget(world) == (2, 4_000, frozenset({TENANT}))
    world.clock.advance(timedelta(minutes=61))
    assert hours_budget(world) == (0, 0, frozenset())


def test_a_script_that_wrote_nothing_counts_as_nothing(world):
    world.write_script("")
    assert not world.run_script(world.planned()).is_done
    assert hours_budget(world)[:2] == (0, 0)


def test_while_the_script_runs_its_whole_plan_is_reserved(world):
    """A plan of another tenant that would fit beside nothing waits for approval while it runs."""
    hour = world.deps.policy.budget.per_hour.model_copy(update={"rows": 2})
    budget = world.deps.policy.budget.model_copy(update={"per_hour": hour})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"budget": budget}))
    with run_meanwhile(world, "lags") as (traffic, future):
        assert hours_budget(world) == (2, 4_000, frozenset({TENANT}))
        other = dry_run(world.deps, "casino_8", "force", "oncall")
        with pytest.raises(SafetyRefusal, match="2 of 2 rows are used and this plan has 1; frees when what is being written"):
            force(world.deps, other.plan_id, "oncall")
        traffic.rollback()
        assert future.result().is_done


def test_a_script_that_was_killed_with_the_guard_keeps_what_it_had_reserved(world):
    class Gone(BaseException):
        """The process ends."""

    class Dying:
        def __init__(self, script) -> None:
            self._script = script

        def __getattr__(self, name: str) -> object:
            return getattr(self._script, name)

        def run(self, tenant_id, mode, *, is_dry_run, **_):
            if is_dry_run:
                return self._script.run(tenant_id, mode, is_dry_run=True)
            raise Gone

    with pytest.raises(Gone):
        world.run_script(world.planned(), Dying(world.runner()))
    assert hours_budget(world) == (2, 4_000, frozenset({TENANT}))


def test_a_tenant_that_the_script_repaired_is_repaired_again_only_by_a_human(world):
    plan = world.planned()
    world.run_script(plan)
    world.add_player("more", 20.0, 10.0)
    with_autonomy(world, cool_down_minutes=0)
    again = world.planned()
    with pytest.raises(SafetyRefusal, match=rf"repaired again: 1 repair of this tenant .* 2 rows, 40.00 USD .*{plan.plan_id}"):
        force(world.deps, again.plan_id, "oncall")
    with pytest.raises(SafetyRefusal, match=r"the script needs an approval .repaired again: 1 repair of this tenant"):
        world.run_script(again)
    assert world.wallet("more") == 10.0


def test_wallets_that_the_script_wrote_are_compared_again_after_an_hour(world):
    plan = world.planned()
    world.run_script(plan)
    world.set_wallet("lags", 11.0)
    world.clock.advance(timedelta(hours=1))
    (said,) = verify_again(world.deps)
    assert "1 of 2 wallets written until 2026-03-01T12:00:00Z are wrong again after 1 h, by 9.00 USD" in said
    assert plan.plan_id in said


def test_a_stop_ends_the_running_script_and_names_its_tenant(world):
    """Its open transaction is rolled back by the database; what it had committed is compared and on record."""
    with run_meanwhile(world, "lags") as (_, future):
        stop(world.deps, "two tenants were paid twice", "anna", is_proved=True)
        outcome = future.result(timeout=30)
    assert (outcome.run.end.value, outcome.is_done) == ("cancelled", False)
    assert world.wallet("lags") == 10.0
    (notice,) = [each.notice for each in world.deps.notifier.posted if each.notice.title.startswith("stop")]
    assert "The platform's script still runs for tenant casino_7" in notice.summary
    assert "it is ended now, and what it wrote stays." in notice.summary


def test_a_stopped_guard_starts_no_script(world):
    plan = world.planned()
    stop(world.deps, "two tenants were paid twice", "anna", is_proved=True)
    refused(world, plan, "the guard is stopped since")


def test_with_the_approval_it_goes(world):
    rails = world.deps.policy.guardrails.model_copy(update={"force_without_approval": False})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"guardrails": rails}))
    plan = world.planned()
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan)
    assert world.run_script(plan).is_done


def test_who_made_the_plan_can_not_approve_it(world):
    rails = world.deps.policy.guardrails.model_copy(update={"max_rows": 1})
    world.deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"guardrails": rails}))
    plan = world.planned()
    approve(world.deps.state, ApprovalKind.BACKFILL_FORCE, plan, answered_by="oncall")
    refused(world, plan, "can't approve it too")


def test_a_plan_with_nothing_to_write_is_refused(world):
    """Even over wallets that all agree the script can lose moves that come in between."""
    world.execute("update walletbalance set balance_real_available = 20 where player_id = 'lags'")
    world.execute("delete from player where id = 'none'")
    refused(world, world.planned(), "has nothing to write")


def test_a_plan_that_was_begun_already_is_refused(world):
    plan = world.planned()
    with world.deps.state.transaction() as state:
        state.plans.set_status(plan.plan_id, PlanStatus.FORCING)
    refused(world, plan, "is forcing already")


def test_flags_that_changed_since_the_dry_run_refuse(world):
    plan = world.planned()
    flags = world.deps.flags
    compare_and_set(flags, flags.get("ledger_enforce_balance", "*"), True, "anna", "the rollout goes on")
    refused(world, plan, "flags changed")


def test_another_writer_of_the_tenant_refuses_and_is_refused(world):
    plan = world.planned()
    with world.runner().as_only_writer(TENANT):
        with pytest.raises(ConcurrentWriterError):
            world.deps.backfill.force(plan.plan_id, "oncall", 100)
        refused(world, plan, "another backfill is writing", ConcurrentWriterError)


def test_the_writer_lock_is_held_while_the_script_runs(world):
    world.add_player("held", 50.0, 50.0)
    with run_meanwhile(world, "held") as (traffic, future):
        with pytest.raises(ConcurrentWriterError), world.runner().as_only_writer(TENANT):
            pass
        traffic.rollback()
        assert future.result().is_done


def test_a_dry_run_that_fails_ends_it_before_the_run(world):
    world.write_script("import sys; sys.exit('no such column')")
    with pytest.raises(CommandFailed, match=r"exit code 1 .*no such column"):
        world.run_script(world.planned())
    assert world.wallet("lags") == 10.0


# --- on record ------------------------------------------------------------------------------------------------------


def test_every_step_is_in_the_audit_log(world):
    world.run_script(world.planned())
    dry_run, started, finished = world.audited()
    assert [dry_run["step"], started["step"], finished["step"]] == ["dry_run", "started", "finished"]
    assert dry_run["run"]["command"][-1] == "--dry-run"
    assert (finished["run"]["exit_code"], finished["is_done"]) == (0, True)
    assert finished["changes"]["applied"] == {"players": 2, "some": ["lags", "none"]}


def test_what_was_interrupted_is_on_record_and_the_interruption_goes_on(world):
    class Interrupted(type(world.runner())):
        def run(self, tenant_id, mode, *, is_dry_run, **_):
            if not is_dry_run:
                raise KeyboardInterrupt
            return super().run(tenant_id, mode, is_dry_run=is_dry_run)

    runner = world.runner()
    runner.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt):
        world.run_script(world.planned(), runner)
    assert [entry["step"] for entry in world.audited()] == ["dry_run", "started", "interrupted"]


def test_a_run_that_did_all_can_not_be_repeated(world):
    plan = world.planned()
    world.run_script(plan)
    with pytest.raises(SafetyRefusal, match="has nothing to write"):
        world.run_script(plan)
