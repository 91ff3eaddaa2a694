"""T3 by comparison, window after window: only players who moved are compared, and nothing that differs is missed."""

from __future__ import annotations

import psycopg
import pytest
from incremental_worlds import FIRST, FIVE, SLICES, USUAL, Comparisons, Hands, events
from tests.triggers import T3

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.roles import ROLE_NAMES, roles_sql
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.adapters.signal_sources import balance_comparison
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.windows import Window
from ledger_guard.sql import statement

pytestmark = pytest.mark.postgres
PLAYERS, READER = 40, ROLE_NAMES["reader"]
PLAYER = "id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available, balance_real_held"


def ledger_row(player: str, at: str = "now()") -> str:
    """A provider's deposit that was booked and never reached the wallet."""
    return (
        "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status, created_at)"
        f" values ('l-{player}', 'x-{player}', 'a', '{player}', 'deposit', 'credit', 5, 'USD', 'deposit_captured', {at})"
    )


@pytest.fixture
def hands(database_uri) -> Hands:
    """Forty players of one tenant whose wallets are right."""
    hands = Hands(database_uri)
    hands.run(
        "insert into tenant (id, name) values ('a', 'A')",
        "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
        f" balance_real_held) select 'p' || n, 'a', 'u', 'e', 10, 0, 10, 0 from generate_series(1, {PLAYERS}) n",
        "insert into walletbalance select 'a', id, 'USD', 10, 0, 0, 0, '2026-01-01' from player",
    )
    return hands


@pytest.fixture
def comparisons(hands, policy) -> Comparisons:
    """Two windows were compared."""
    state = PostgresGuardState(ConnectionSettings.parse(hands.uri, "ledger_guard_db"))
    comparisons = Comparisons(hands.uri, policy.platform, state, USUAL.model_copy(update={"slices": 1000}))
    comparisons.next()
    comparisons.next()
    return comparisons


def test_a_whole_comparison_says_the_same_whether_it_leaves_something_or_not(comparisons, hands):
    hands.run(ledger_row("p7"), "update player set balance_real_available = 'NaN' where id = 'p8'")
    comparisons.next()
    source, window = comparisons.source(), Window(comparisons.window.start - FIVE, FIVE)
    assert source.readings(T3, window, window) == source.compare(T3, window, None).readings == comparisons.whole().readings


def differing(comparisons: Comparisons) -> set[str]:
    last = comparisons.last()
    assert last is not None
    return {player for _, player in last.mismatched}


MOVES = [
    pytest.param("update player set balance_real_available = 11 where id = 'p7'", id="player row edited by hand: it has no time"),
    pytest.param(
        "update walletbalance set balance_real_available = 9 where player_id = 'p7'", id="wallet edited, old updated_at"
    ),
    pytest.param(ledger_row("p7"), id="ledger row that reached no wallet"),
    pytest.param(ledger_row("p7", "'2020-01-01'"), id="ledger row dated years back"),
    pytest.param(ledger_row("p7", "'2100-01-01'"), id="ledger row dated in the future"),
    pytest.param(ledger_row("p7", "'-infinity'"), id="ledger row without a date"),
    pytest.param(
        "insert into transaction (id, tenant_id, player_id, type, amount, status, state, balance_after)"
        " values ('t', 'a', 'p7', 'poker_win', 5, 's', 's', 40)",
        id="a noted balance that says the player row lost an update",
    ),
    pytest.param(
        "insert into walletbalance values ('a', 'p7', 'usd', 3, 0, 0, 0, '2020-01-01')",
        id="a second wallet in a look-alike currency",
    ),
    pytest.param(
        f"insert into player ({PLAYER}) values ('p7b', 'a', 'u', 'e', 1, 0, 1, 0)",
        id="a new player without a wallet",
    ),
    pytest.param(
        "savepoint s; update player set balance_real_available = 11 where id = 'p7'; release s", id="in a subtransaction"
    ),
]


@pytest.mark.parametrize("move", MOVES)
def test_what_moved_is_found_in_the_next_window_and_nobody_else_is_compared(comparisons, hands, move):
    quiet = comparisons.next()
    assert (quiet.told, events(quiet.readings)) == (f"compared 0 of {PLAYERS} players", {"a": (0, PLAYERS)})
    hands.run(move)
    found = comparisons.next()
    assert found.told.startswith("compared 1 of")
    assert {player[:2] for player in differing(comparisons)} == {"p7"}
    assert found.readings == comparisons.whole().readings


@pytest.mark.parametrize("move", MOVES)
def test_a_transaction_that_was_open_while_windows_went_by_is_found_when_it_commits(comparisons, hands, move):
    with hands.opened(move) as transaction:
        assert [events(comparisons.next().readings) for _ in range(3)] == [{"a": (0, PLAYERS)}] * 3
        hands.run("insert into tenant (id, name) select n::text, 'T' from generate_series(1, 50) n")
        assert events(comparisons.next().readings) == {"a": (0, PLAYERS)}
        transaction.commit()
    found = comparisons.next()
    assert {player[:2] for player in differing(comparisons)} == {"p7"}
    assert found.readings == comparisons.whole().readings


def test_a_transaction_that_is_rolled_back_changes_nothing(comparisons, hands):
    with hands.opened("update player set balance_real_available = 99 where id = 'p7'"):
        comparisons.next()
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS)}


def test_a_difference_stands_until_it_was_looked_at_and_is_right_again(comparisons, hands):
    hands.run("update walletbalance set balance_real_available = 9 where player_id in ('p7', 'p8')")
    assert events(comparisons.next().readings) == {"a": (2, PLAYERS)}
    quiet = [comparisons.next() for _ in range(3)]
    assert [(each.told, events(each.readings)) for each in quiet] == [("compared 2 of 40 players", {"a": (2, PLAYERS)})] * 3
    assert quiet[-1].readings == comparisons.whole().readings, "money at risk and its causes too"
    hands.run("update walletbalance set balance_real_available = 10 where player_id = 'p7'")
    assert events(comparisons.next().readings) == {"a": (1, PLAYERS)}
    assert differing(comparisons) == {"p8"}


@pytest.mark.parametrize(
    ("taken_away", "expected"),
    [
        pytest.param("delete from walletbalance where player_id = 'p7'", {"a": (1, PLAYERS)}, id="a wallet"),
        pytest.param("delete from player where id = 'p7'", {"a": (0, PLAYERS - 1)}, id="a player"),
        pytest.param("delete from ledgertransaction where player_id = 'p9'", {"a": (1, PLAYERS)}, id="a ledger row"),
    ],
)
def test_what_is_deleted_is_found_in_the_next_window_by_comparing_all(comparisons, hands, taken_away, expected):
    hands.run(ledger_row("p9"), "update walletbalance set balance_real_available = 15 where player_id = 'p9'")
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS)}
    hands.run(taken_away)
    found = comparisons.next()
    assert (found.told, events(found.readings)) == (
        f"compared all {expected['a'][1]} players: rows were deleted",
        expected,
    )
    assert found.readings == comparisons.whole().readings


@pytest.mark.parametrize(
    "taken_away",
    [
        pytest.param("delete from walletbalance where player_id = 'p7'", id="a wallet"),
        pytest.param("delete from ledgertransaction where player_id = 'p9'", id="a ledger row"),
        pytest.param(
            "update ledgertransaction set player_id = 'p10' where player_id = 'p9'", id="a ledger row, given to another"
        ),
    ],
)
def test_what_the_server_does_not_tell_is_found_when_the_players_turn_comes(hands, policy, taken_away):
    comparisons = Comparisons(hands.uri, policy.platform, InMemoryGuardState())
    hands.run(ledger_row("p9"), "update walletbalance set balance_real_available = 15 where player_id = 'p9'")
    for _ in range(3):
        comparisons.next()
    hands.run(taken_away, is_counted=False)
    found = [comparisons.next() for _ in range(SLICES)]
    assert not any("all" in each.told for each in found)
    wrong = [each.readings[0].events for each in found]
    assert wrong == sorted(wrong), "and it stays found"
    assert events(found[-1].readings) == events(comparisons.whole().readings) != {"a": (0, PLAYERS)}


def test_a_player_who_is_deleted_unseen_is_counted_out_at_once(comparisons, hands):
    hands.run("update walletbalance set balance_real_available = 9 where player_id = 'p7'")
    assert events(comparisons.next().readings) == {"a": (1, PLAYERS)}
    hands.run("delete from player where id = 'p7'", is_counted=False)
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS - 1)}


def test_tenants_come_and_go(comparisons, hands):
    hands.run(
        "insert into tenant (id, name) values ('b', 'B')",
        f"insert into player ({PLAYER}) values ('q1', 'b', 'u', 'e', 1, 0, 1, 0)",
    )
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS), "b": (1, 1)}
    hands.run("update player set tenant_id = 'a' where id = 'q1'", is_counted=False)
    assert events(comparisons.next().readings) == {"a": (1, PLAYERS + 1)}


def _later(comparisons: Comparisons, hands: Hands) -> None:
    comparisons.window = comparisons.window.next


def _another_policy(comparisons: Comparisons, hands: Hands) -> None:
    comparisons.mapped = comparisons.mapped.model_copy(update={"concurrent_within_seconds": 6})


def _night(comparisons: Comparisons, hands: Hands) -> None:
    comparisons.window = Window(FIRST.start.replace(day=2, hour=3) - FIVE, FIVE)
    comparisons.spoil(window_end=comparisons.window.start)


@pytest.mark.parametrize(
    ("happens", "because"),
    [
        pytest.param(_later, "the window before was not compared", id="a window without data"),
        pytest.param(_another_policy, "the policy or the rule of comparing changed", id="another policy"),
        pytest.param(_night, "it is time for a whole comparison", id="by night"),
        pytest.param(
            lambda comparisons, _: comparisons.spoil(too_many=True), "too many players differed", id="more than are kept"
        ),
        pytest.param(
            lambda comparisons, _: comparisons.spoil(oldest_open=2**40),
            "the database's transaction numbers do not follow on",
            id="a restored database",
        ),
        pytest.param(
            lambda _, hands: hands.run(
                "create table w as table walletbalance", "truncate walletbalance", "insert into walletbalance table w"
            ),
            "the database or its tables are not those of the comparison before",
            id="a table that was emptied and filled",
        ),
        pytest.param(
            lambda _, hands: hands.run("alter table ledgertransaction alter amount type numeric"),
            "the database or its tables are not those of the comparison before",
            id="a table of other columns",
        ),
        pytest.param(
            lambda _, hands: hands.run(
                "alter table player rename balance_real_available to before",
                "alter table player rename balance_real to balance_real_available",
                "alter table player rename before to balance_real",
            ),
            "the database or its tables are not those of the comparison before",
            id="columns that changed their names",
        ),
    ],
)
def test_all_are_compared_where_it_is_not_sure_that_nothing_was_missed(comparisons, hands, happens, because):
    happens(comparisons, hands)
    assert comparisons.next().told == f"compared all {PLAYERS} players: {because}"
    assert comparisons.next().told == f"compared 0 of {PLAYERS} players"


def test_all_are_compared_when_another_version_of_the_guard_compares_otherwise(comparisons, monkeypatch):
    monkeypatch.setattr(balance_comparison, "statement", lambda name: statement(name) + "\n-- otherwise")
    assert comparisons.next().told == f"compared all {PLAYERS} players: the policy or the rule of comparing changed"
    assert comparisons.next().told == f"compared 0 of {PLAYERS} players"


def test_all_are_compared_while_guard_state_knows_of_no_comparison(hands, policy):
    comparisons = Comparisons(hands.uri, policy.platform, InMemoryGuardState())
    assert comparisons.next().told == f"compared all {PLAYERS} players: there is no comparison before"
    comparisons.state = InMemoryGuardState()
    assert comparisons.next().told == f"compared all {PLAYERS} players: there is no comparison before"


@pytest.mark.parametrize(("moved", "is_whole"), [(10, False), (11, True)], ids=["at the policy's share", "above"])
def test_all_are_compared_when_more_than_the_policys_share_moved(hands, policy, moved, is_whole):
    incremental = USUAL.model_copy(update={"slices": 1000, "most_moved_share": 0.25})
    comparisons = Comparisons(hands.uri, policy.platform, InMemoryGuardState(), incremental)
    comparisons.next()
    hands.run(f"update player set balance_real_available = 11 where substr(id, 2)::int <= {moved}")
    found = comparisons.next()
    told = f"all {PLAYERS} players: too many would have to be" if is_whole else f"{moved} of {PLAYERS} players"
    assert (found.told, events(found.readings)) == (f"compared {told}", {"a": (moved, PLAYERS)})
    assert ("all" in comparisons.next().told) is is_whole, "they differ, so they have to be compared again"


def test_a_view_is_compared_whole_each_time_and_says_why(hands, policy):
    hands.run("create view players as select * from player")
    player = policy.platform.player.model_copy(update={"table": "players"})
    comparisons = Comparisons(hands.uri, policy.platform.model_copy(update={"player": player}), InMemoryGuardState())
    hands.run("delete from walletbalance where player_id = 'p7'")
    for _ in range(2):
        found = comparisons.next()
        assert "view" in found.told
        assert events(found.readings) == {"a": (1, PLAYERS)}


def test_a_ledger_in_partitions_is_followed(hands, policy):
    hands.run(
        "create table parts (like ledgertransaction) partition by range (created_at)",
        "create table parts_old partition of parts for values from (minvalue) to ('2026-01-01')",
        "create table parts_new partition of parts for values from ('2026-01-01') to (maxvalue)",
    )
    ledger = policy.platform.ledger.model_copy(update={"table": "parts"})
    incremental = USUAL.model_copy(update={"slices": 1000})
    mapped = policy.platform.model_copy(update={"ledger": ledger})
    comparisons = Comparisons(hands.uri, mapped, InMemoryGuardState(), incremental)
    comparisons.next()
    hands.run(ledger_row("p7", "'2025-06-01'").replace("ledgertransaction", "parts"))
    found = comparisons.next()
    assert (found.told, events(found.readings)) == (f"compared 1 of {PLAYERS} players", {"a": (1, PLAYERS)})
    hands.run("delete from parts_old")
    assert comparisons.next().told.endswith("rows were deleted")
    hands.run("alter table parts detach partition parts_old")
    assert "not those of the comparison before" in comparisons.next().told


def test_a_table_that_others_inherit_from_is_followed_with_them(comparisons, hands):
    hands.run("create table heir (like walletbalance including all) inherits (walletbalance)")
    assert "not those of the comparison before" in comparisons.next().told
    hands.run("insert into heir select * from only walletbalance where player_id = 'p9'")
    hands.run("delete from only walletbalance where player_id = 'p9'")
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS)}
    hands.run("delete from heir")
    found = comparisons.next()
    assert (found.told.endswith("rows were deleted"), events(found.readings)) == (True, {"a": (1, PLAYERS)})
    hands.run("insert into heir select 'a', 'p9', 'USD', 10, 0, 0, 0")
    assert events(comparisons.next().readings) == {"a": (0, PLAYERS)}
    hands.run("truncate heir")
    assert events(comparisons.next().readings) == {"a": (1, PLAYERS)}


def test_the_readers_role_may_do_it(hands, policy):
    with psycopg.connect(hands.uri, autocommit=True) as connection:
        connection.execute(roles_sql(policy, ROLE_NAMES))
    reader = hands.uri.replace("//postgres@", f"//{READER}@")
    comparisons = Comparisons(reader, policy.platform, InMemoryGuardState(), USUAL.model_copy(update={"slices": 1000}))
    comparisons.next()
    hands.run(ledger_row("p7"))
    assert comparisons.next().told == f"compared 1 of {PLAYERS} players"


@pytest.mark.parametrize(
    "fewer_rights",
    [
        pytest.param("revoke execute on function pg_control_checkpoint() from public", id="no look at the server"),
        pytest.param(
            f"revoke select on player from {READER}; grant select (id, tenant_id, balance_real_available, balance_real_held,"
            f" balance_bonus) on player to {READER}",
            id="some columns alone",
        ),
    ],
)
def test_where_rights_suffice_for_a_whole_comparison_alone_it_is_made(hands, policy, fewer_rights):
    with psycopg.connect(hands.uri, autocommit=True) as connection:
        connection.execute(roles_sql(policy, ROLE_NAMES))
        connection.execute(fewer_rights)
    hands.run("delete from walletbalance where player_id = 'p7'")
    comparisons = Comparisons(hands.uri.replace("//postgres@", f"//{READER}@"), policy.platform, InMemoryGuardState())
    found = [comparisons.next() for _ in range(3)]
    assert [events(each.readings) for each in found] == [{"a": (1, PLAYERS)}] * 3
    assert any("this login may not read what tells who moved" in each.told for each in found)
    [said] = comparisons.source().cost(T3, comparisons.window, comparisons.window)
    assert said.startswith("every comparison is whole: this login may not")


def test_a_platform_without_its_wallets_gives_no_reading_and_leaves_what_was_left(comparisons, hands):
    before = comparisons.last()
    hands.run("alter table walletbalance rename to elsewhere")
    with pytest.raises(SourceUnavailable):
        comparisons.next()
    assert comparisons.last() == before
    hands.run("alter table elsewhere rename to walletbalance")
    comparisons.window = comparisons.window.next
    assert comparisons.next().told.endswith("the window before was not compared")
    assert comparisons.window.length == FIVE
