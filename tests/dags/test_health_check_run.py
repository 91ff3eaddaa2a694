"""ledger_health_check, run by Airflow in this process: quiet, notify, remediate, no data."""

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]


def test_an_ordinary_day_leads_to_nothing(lived, channel, run_dag):
    lived.last_windows("T1")
    lived.last_windows("T2")
    states = run_dag("ledger_health_check")
    assert states["run"] == "success"
    assert {states[f"{trigger}.nothing"] for trigger in ("T1", "T2", "T3")} == {"success"}
    assert {states[f"{trigger}.remediate"] for trigger in ("T1", "T2", "T3")} == {"skipped"}
    assert lived.incidents() == []


def test_a_spike_in_one_tenant_is_reported_and_starts_one_remediation(lived, channel, run_dag):
    lived.last_windows("T1", acme_every=2)
    states = run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert (states["T1.notify"], states["T1.remediate"], states["T1.nothing"]) == ("success", "success", "skipped")
    assert lived.incidents() == [("T1", "severe", "isolated", ["acme"])]
    (message,) = [message for message in channel.messages if message["text"].startswith("classify")]
    assert "acme" in str(message["blocks"])
    assert run_dag("ledger_health_check", {"triggers": ["T1"]})["T1.remediate"] == "skipped"


def test_the_policys_modes_are_put_on_record_once(lived, channel, run_dag):
    for _ in range(2):
        assert run_dag("ledger_health_check", {"triggers": ["T1"]})["keep_record"] == "success"
    seen = "select detail->'modes'->>'T3 severe' from ledger_guard.audit_entry where verb = 'see_modes'"
    assert lived.run(seen) == "act"
    assert lived.run("select count(*) from ledger_guard.audit_entry where verb = 'see_modes'") == 1


def test_signals_that_were_not_asked_for_are_left_alone(lived, channel, run_dag):
    lived.last_windows("T1")
    states = run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert (states["T2.sense"], states["T3.classify"], states["run"]) == ("skipped", "skipped", "success")


def test_a_rise_in_most_tenants_is_widespread(lived, channel, run_dag):
    lived.run("insert into tenant (id, name, type) values ('third', 'Third', 'renter')")
    lived.run(
        "insert into ledger_guard.access_event (event_key, event_time, tenant_id, subject_id, method, path, status, error_code)"
        " select gen_random_uuid()::text, event_time, 'third', subject_id, method, path, status, error_code"
        " from ledger_guard.access_event where tenant_id = 'zenith'"
    )
    lived.last_windows("T2", acme_every=1, zenith_every=1)
    lived.traffic("T2", "third", 3, 0, every=1)
    run_dag("ledger_health_check", {"triggers": ["T2"]})
    assert lived.incidents() == [("T2", "severe", "widespread", ["acme", "third", "zenith"])]


def test_drift_is_found_by_comparing_balances(lived, channel, run_dag):
    lived.drift_far()
    states = run_dag("ledger_health_check", {"triggers": ["T3"]})
    assert states["T3.remediate"] == "success"
    assert lived.incidents() == [("T3", "severe", "isolated", ["acme"])]


def test_with_the_channel_down_the_notice_fails_alone_and_the_remediation_starts(lived, channel, run_dag):
    channel.stop()
    lived.drift_far()
    states = run_dag("ledger_health_check", {"triggers": ["T3"]})
    assert (states["T3.notify"], states["T3.remediate"]) == ("failed", "success")


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("alter table player rename to players", id="table missing"),
        pytest.param("alter table walletbalance rename column balance_real_pending to held", id="column missing"),
    ],
)
def test_a_source_that_lacks_something_gives_no_data_and_opens_nothing(lived, channel, run_dag, broken):
    lived.drift_far()
    lived.run(broken)
    # past the policy's patience: until then the sensor would wait for the source to come back
    lived.run("update ledger_sandbox.clock set ahead = interval '15 minutes'")
    states = run_dag("ledger_health_check", {"triggers": ["T3"]})
    assert (states["run"], states["T3.remediate"]) == ("success", "skipped")
    assert lived.incidents() == []
    assert lived.run("select state from ledger_guard.sensed_window where trigger = 'T3' order by window_start desc") == "no_data"


def test_the_end_of_the_audit_log_goes_on_record_where_a_file_is_named(lived, channel, run_dag, monkeypatch, tmp_path):
    file = tmp_path / "heads.jsonl"
    assert run_dag("ledger_health_check", {"triggers": ["T1"]})["keep_record"] == "success"
    monkeypatch.setenv("LEDGER_GUARD_AUDIT_HEADS_FILE", str(file))
    assert run_dag("ledger_health_check", {"triggers": ["T1"]})["keep_record"] == "success"
    file.write_text(file.read_text().replace('"sequence":', '"sequence":9'))
    states = run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert (states["keep_record"], states["T1.classify"]) == ("failed", "success")
    assert len(file.read_text().splitlines()) == 1
    (told,) = [message for message in channel.messages if message["text"].startswith("keep_record · failed")]
    assert "audit head failed: " in str(told["blocks"])
    assert "(done: modes)" in str(told["blocks"])


def test_with_the_channel_down_reminders_fail_alone_and_the_rest_of_the_check_goes_on(lived, channel, run_dag):
    channel.stop()
    # a question that expires soon: its reminder is due
    lived.run(
        "insert into ledger_guard.approval (approval_id, kind, subject_id, subject_hash, requested_by, approvers,"
        " minimum_reason_characters, requested_at, expires_at, dag_id, run_id, task_id, link, proposal, approvers_needed,"
        " ordinal, incident_state, is_break_glass) values (gen_random_uuid(), 'flag_rollback', 'f@*', 'h', 'oncall',"
        " array['payments-lead'], 10, now(), now() + interval '1 minute', 'flag_rollback', 'parked', 'request_approval', '', '',"
        " 1, 1, '', false)"
    )
    lived.last_windows("T1")
    states = run_dag("ledger_health_check", {"triggers": ["T1"]})
    assert (states["watch"], states["keep_record"], states["T1.nothing"]) == ("failed", "success", "success")
