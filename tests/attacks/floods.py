"""What strangers and players can send: wrongly signed webhooks and overdrawn withdrawals, over hours of ordinary traffic."""

from __future__ import annotations

import psycopg
from tests.attacks.scene import Scene

#: tenants whose wallets are right, and whose traffic is ordinary but for the attack
TENANTS = tuple(f"f-{number}" for number in range(1, 7))
#: of each tenant
PLAYERS = 20
#: forged webhooks, and overdrawn withdrawals, of each tenant in each window; as many genuine ones came before and come on
FORGED, OVERDRAWN, GENUINE = 12, 30, 20
WITHDRAW, WEBHOOK = "/api/v1/player/wallet/withdraw", "/api/v1/payments/webhook/mockpsp"

#: windows before the newest that has closed, and after it: the attack goes on while the guard looks
_PAST, _LAST, _NEXT = 90, 2, -6
_WINDOW = "interval '5 minutes'"
_SEND = f"""
    insert into ledger_guard.access_event
        (event_key, event_time, tenant_id, subject_id, method, path, provider, status, error_code, amount_cents)
    select gen_random_uuid()::text, date_bin({_WINDOW}, now(), 'epoch') - age * {_WINDOW} + n * {_WINDOW} / %(count)s::int,
        tenant, case when %(player)s::boolean then tenant || (n %% {PLAYERS} + 1) else %(id)s::text || age || tenant || n end,
        'POST', %(path)s::text, %(provider)s::text, %(status)s::int, %(code)s::text, %(cents)s::bigint
    from generate_series(%(last)s::int, %(first)s::int) age,
        generate_series(0, %(count)s::int - 1) n, unnest(%(tenants)s::text[]) tenant
"""


def send(scene: Scene) -> None:
    """Deliver hours of ordinary traffic, and both attacks at its end; the tenants' wallets are right, and judge withdrawals."""
    for tenant_id in TENANTS:
        scene.tenant(tenant_id)
        scene.mended(tenant_id)
        scene.value(
            "insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason)"
            " values ('ledger_enforce_balance', %s, true, 'test', 'set up') returning 1",
            tenant_id,
        )
    with psycopg.connect(scene.stack.platform_uri) as connection:
        _send(connection, WITHDRAW, GENUINE, cents=1_000)
        _send(connection, WEBHOOK, GENUINE, subject="evt-")
        _send(connection, WITHDRAW, OVERDRAWN, first=_LAST, status=400, code="INSUFFICIENT_FUNDS", cents=20_000)
        _send(connection, WEBHOOK, FORGED, first=_LAST, status=401, code="WEBHOOK_SIGNATURE_INVALID", subject="x-")
        connection.execute(
            "insert into ledger_guard.source_watermark (source, complete_through, updated_at)"
            f" values ('access_event', now() - {_NEXT} * {_WINDOW}, now())"
        )


def _send(
    connection: psycopg.Connection,
    path: str,
    count: int,
    *,
    first: int = _PAST,
    status: int = 200,
    code: str | None = None,
    cents: int | None = None,
    subject: str = "",
) -> None:
    given = {"path": path, "count": count, "first": first, "last": _NEXT, "status": status, "code": code, "cents": cents}
    provider = "mockpsp" if path == WEBHOOK else None
    connection.execute(
        _SEND.encode(), {**given, "tenants": list(TENANTS), "player": not subject, "id": subject, "provider": provider}
    )
