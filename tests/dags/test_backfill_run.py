"""tenant_backfill, run by Airflow in this process against a real platform: who may write, and when."""

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

REASON = "the wallets are stale, the ledger agrees with the players"
BACKFILL = {"tenant_id": "acme", "operation": "backfill"}


def stale(platform) -> int:
    return platform.run("select count(*) from walletbalance where tenant_id = 'acme' and balance_real_available <> 100")


def test_a_dry_run_leaves_a_plan_and_writes_nothing(platform, channel, run_dag):
    before = platform.wallets()
    states = run_dag("tenant_backfill", {"tenant_id": "acme", "operation": "dry_run"})
    assert (states["run"], states["dry_run"], states["force"]) == ("success", "success", "skipped")
    assert platform.wallets() == before
    assert platform.run("select count(*) from ledger_guard.plan_row") == 3


def test_inside_the_guardrails_force_goes_by_itself_and_the_tenant_is_clean(platform, channel, run_dag):
    states = run_dag("tenant_backfill", BACKFILL)
    assert (states["run"], states["force"], states["verify"], states["request_approval"]) == (
        "success",
        "success",
        "success",
        "skipped",
    )
    assert stale(platform) == 0
    assert platform.run("select count(*) from ledger_guard.before_image where before_available = 40") == 3


def test_a_tenant_without_differences_is_left_alone(platform, channel, run_dag):
    before = platform.wallets()
    states = run_dag("tenant_backfill", {"tenant_id": "zenith", "operation": "backfill"})
    assert (states["run"], states["force"], states["verify"]) == ("success", "skipped", "success")
    assert platform.wallets() == before


def test_beyond_the_guardrails_an_approval_with_a_reason_lets_exactly_the_plan_through(platform, channel, run_dag, answerer):
    platform.drift_far()
    answerer.when_parked("tenant_backfill", "request_approval", "Approve", REASON)
    states = run_dag("tenant_backfill", BACKFILL)
    assert (states["run"], states["force"], states["verify"]) == ("success", "success", "success")
    assert stale(platform) == 0
    assert platform.run("select answered_by || ': ' || reason from ledger_guard.approval_answer") == f"payments-lead: {REASON}"


def test_a_rejected_plan_writes_nothing_and_the_run_says_so(platform, channel, run_dag, answerer):
    platform.drift_far()
    incident = platform.open_incident()
    before = platform.wallets()
    answerer.when_parked("tenant_backfill", "request_approval", "Reject", "no: find the cause first")
    states = run_dag("tenant_backfill", {**BACKFILL, "incident_id": incident})
    assert states["force"] == "skipped"
    assert platform.wallets() == before
    assert platform.run("select answer from ledger_guard.approval_answer") == "rejected"


@pytest.mark.parametrize(
    "reason", [pytest.param(None, id="none"), pytest.param("x", id="one letter"), pytest.param("ninechars", id="9")]
)
def test_an_approval_without_a_real_reason_fails_the_gate_and_writes_nothing(platform, channel, run_dag, answerer, reason):
    platform.drift_far()
    before = platform.wallets()
    answerer.when_parked("tenant_backfill", "request_approval", "Approve", reason)
    states = run_dag("tenant_backfill", BACKFILL)
    assert (states["request_approval"], states["run"]) == ("failed", "failed")
    assert platform.wallets() == before


def test_a_gate_marked_success_by_hand_leaves_no_row_and_the_writer_refuses(platform, channel, run_dag):
    platform.drift_far()
    before = platform.wallets()
    states = run_dag("tenant_backfill", BACKFILL, mark_success_pattern="request_approval")
    assert (states["force"], states["run"]) == ("failed", "failed")
    assert platform.wallets() == before


def test_a_forced_plan_is_taken_back_by_an_undo_run_with_its_own_approval(platform, channel, run_dag, answerer):
    run_dag("tenant_backfill", BACKFILL)
    plan_id = str(platform.run("select plan_id from ledger_guard.plan"))
    answerer.when_parked("tenant_backfill", "request_undo_approval", "Approve", "the plan was made from the wrong snapshot")
    states = run_dag("tenant_backfill", {"tenant_id": "acme", "operation": "undo", "plan_id": plan_id})
    assert (states["undo"], states["run"]) == ("success", "success")
    assert platform.run("select count(*) from walletbalance where balance_real_available = 40") == 3


def test_with_the_channel_down_the_notice_fails_alone_and_the_repair_goes_on(platform, channel, run_dag, answerer):
    channel.stop()
    platform.drift_far()
    answerer.when_parked("tenant_backfill", "request_approval", "Approve", REASON)
    states = run_dag("tenant_backfill", BACKFILL)
    assert (states["notify"], states["force"], states["verify"]) == ("failed", "success", "success")
    assert stale(platform) == 0


@pytest.mark.parametrize(
    "conf",
    [
        pytest.param({"tenant_id": "", "operation": "backfill"}, id="empty tenant"),
        pytest.param({"tenant_id": "acme%", "operation": "backfill"}, id="pattern"),
        pytest.param({"tenant_id": "o'hara", "operation": "backfill"}, id="quote"),
        pytest.param({"tenant_id": "a" * 10_000, "operation": "backfill"}, id="10,000 characters"),
        pytest.param({"tenant_id": "acme", "operation": "everything"}, id="unknown operation"),
        pytest.param({"tenant_id": "acme", "mode": "quickly"}, id="unknown mode"),
        pytest.param({"operation": "backfill"}, id="no tenant"),
    ],
)
def test_the_form_refuses_what_is_not_allowed(api_client, stored_dags, conf):
    token = api_client.post("/auth/token", json={"username": "oncall", "password": "oncall-pw"}).json()["access_token"]
    answer = api_client.post(
        "/api/v2/dags/tenant_backfill/dagRuns",
        json={"logical_date": None, "conf": conf},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 400
    assert "Invalid input for param" in answer.json()["detail"]
