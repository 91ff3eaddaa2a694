"""Turns the sandbox's rollout flags, as an operator of the platform would."""

from __future__ import annotations

import psycopg
from typing_extensions import LiteralString

_SWITCH: LiteralString = """
    insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason)
    values (%(flag)s, %(tenant_id)s, %(is_enabled)s, 'sandbox', %(reason)s)
    on conflict (key, tenant_id) do update
    set is_enabled = excluded.is_enabled, version = rollout_flag.version + 1, changed_by = excluded.changed_by,
        change_reason = excluded.change_reason, changed_at = now()
"""


def switch(uri: str, flag: str, *, is_enabled: bool, tenant_id: str = "*", reason: str = "set up by the sandbox") -> None:
    """Give `flag` a value for one tenant, or for all that have none of their own (`*`)."""
    with psycopg.connect(uri) as connection:
        parameters = {"flag": flag, "tenant_id": tenant_id, "is_enabled": is_enabled, "reason": reason}
        connection.execute(_SWITCH, parameters)
