"""Each way in which wallets go wrong leaves rows that the money rule reads back: to the cent, and for the cause it says."""

from __future__ import annotations

import random

import pytest
from tests.sandbox.conftest import AS_OF, HEALTHY, rows
from tests.sandbox.repair_scores import plan_rows, score

from ledger_guard.domain.findings import RowCause
from ledger_guard.policy.loader import load_policy
from ledger_sandbox import faults
from ledger_sandbox.population import generate, store
from ledger_sandbox.scenarios import Incident, strike, undo

pytestmark = pytest.mark.postgres
WRITTEN = {RowCause.STALE_WALLET}


@pytest.fixture
def tenant(database_uri) -> tuple[str, str]:
    population = generate(3, HEALTHY, AS_OF)
    store(database_uri, population, AS_OF)
    return database_uri, population.profiles[0].tenant_id


@pytest.mark.parametrize(
    ("fault", "causes"),
    [
        pytest.param(faults.born_from_zero, WRITTEN, id="born from 0"),
        pytest.param(faults.shadow_write_off, WRITTEN, id="shadow write off"),
        pytest.param(faults.script_forced, WRITTEN, id="the script's force"),
        pytest.param(faults.poker_past_the_wallet, WRITTEN, id="poker"),
        pytest.param(faults.wallet_race, {RowCause.STALE_WALLET, RowCause.DISPUTED}, id="two webhooks at once: noted or not"),
        pytest.param(faults.lost_update, {RowCause.LOST_UPDATE}, id="two deposits at once, copied by the script"),
    ],
)
def test_a_fault_is_found_for_what_it_is_and_its_repair_is_right(tenant, fault, causes):
    uri, tenant_id = tenant
    undoing = strike(uri, [tenant_id], 1.0, fault, seed=2)
    planned = plan_rows(uri, load_policy(), [tenant_id])
    assert planned.keys() == {balance.player_id for balance in undoing.before}
    assert {row.cause for row in planned.values()} <= causes
    found = score(uri, planned, [tenant_id])
    assert (found.wrong, found.erased) == ([], 0)


def test_a_fault_that_is_undone_leaves_nothing(tenant):
    uri, tenant_id = tenant
    everything = "select md5(string_agg(x::text, ',' order by x::text)) from (select l::text from ledgertransaction l"
    everything += " union all select t::text from transaction t union all select w::text from walletbalance w"
    everything += " union all select r::text from ledger_sandbox.right_wallet r) x"
    before = rows(uri, everything)
    for fault in (faults.born_from_zero, faults.lost_update, faults.script_forced):
        undoing = strike(uri, [tenant_id], 0.5, fault, seed=random.Random(1).getrandbits(8))
        assert rows(uri, everything) != before
        undo(uri, Incident("fault", "", (tenant_id,), undoing))
        assert rows(uri, everything) == before
