"""Lines and readers for the ingest tests."""

from datetime import datetime, timezone

from ledger_guard.adapters.access_log.line_events import LineEvents
from ledger_guard.domain.access_events import NamedTenants
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.platform import AccessLogMapping

UTC = timezone.utc
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POLICY = load_policy()
REQUESTS = list(POLICY.access_events().values())
WEBHOOKS = [request for request in REQUESTS if request.subject == "webhook"]

WITHDRAW = "/api/v1/player/wallet/withdraw"
JSON_LINE = (
    '{"timestamp":"2026-03-01T11:00:00.250Z","tenant_id":"casino_a","subject_id":"p-1","method":"POST",'
    f'"path":"{WITHDRAW}?token=s3cr3t","status":400,"error_code":"INSUFFICIENT_FUNDS","provider":null,"request_id":"req-00001"}}'
)
COMBINED_LINE = (
    f'10.0.0.9 - - [01/Mar/2026:12:00:00 +0100] "POST /t/casino_a{WITHDRAW}?sig=s3cr3t HTTP/1.1" 400 81 "-" "okhttp/4.9"'
)


def line_events(
    mapping: AccessLogMapping | None = None, tenant_id: str | None = None, tenants: NamedTenants | None = None
) -> LineEvents:
    named = tenants or NamedTenants(list)
    return LineEvents(mapping or POLICY.access_log["ingress_json"], tenant_id, NOW, REQUESTS, named)
