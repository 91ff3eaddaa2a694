"""The SQL that gives the guard's database roles their rights, and no more, under the names that the policy maps."""

from __future__ import annotations

import re
from collections.abc import Mapping

from psycopg import sql

from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.errors import BadInputError
from ledger_guard.policy.flag_store import FlagStoreTable
from ledger_guard.policy.schema import Policy
from ledger_guard.sql import statement

#: purpose of a role → its default name
ROLE_NAMES: Mapping[str, str] = {
    "reader": "ledger_guard_reader",
    "backfill": "ledger_guard_backfill",
    "guard": "ledger_guard_state",
}
#: part → the database it belongs to is the platform's, or that of guard state
PARTS = ("platform", "guard-state")

_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def roles_sql(policy: Policy, names: Mapping[str, str], parts: tuple[str, ...] = PARTS) -> str:
    """One transaction of SQL, to be run by the owner of the tables; running it again gives the same rights.

    Raises:
        BadInputError: a name is no role name, or two roles share one.
    """
    for name in names.values():
        if not _ROLE_NAME.fullmatch(name):
            raise BadInputError(f"role {name!r}: is not a role name; allowed: lower-case letters, digits and '_', at most 63")
    if len(set(names.values())) < len(names):
        raise BadInputError("roles: two of them share a name; allowed: a different role for each purpose")
    texts = [
        _text(step, name, policy) for part in parts for purpose, name in names.items() for step in _steps(part, purpose, policy)
    ]
    return "\n".join(["begin;", *texts, "commit;"])


def _steps(part: str, purpose: str, policy: Policy) -> list[str]:
    if part == "guard-state":
        return ["create_role", "refuse_owner", f"guard_state_{purpose}"]
    flags = [f"flags_{purpose}"] if isinstance(policy.flag_store, FlagStoreTable) else []
    transactions = [f"transactions_{purpose}"] if policy.platform.transactions is not None else []
    return ["create_role", f"platform_{purpose}", *transactions, *flags]


def _text(step: str, role: str, policy: Policy) -> str:
    found: dict[str, sql.Composable] = {
        key: sql.Identifier(*name.split(".")) for key, name in platform_names(policy.platform).items()
    }
    found |= {
        "role": sql.Identifier(role),
        "role_text": sql.Literal(role),
        "platform_schema": sql.Identifier(policy.platform.schema_name),
    }
    store = policy.flag_store
    if isinstance(store, FlagStoreTable):
        found |= {"flags": sql.Identifier(store.schema_name, store.table), "flag_schema": sql.Identifier(store.schema_name)}
    return sql.SQL(statement(f"roles/{step}")).format(**found).as_string(None).rstrip() + ";\n"
