"""guard_drill, run by Airflow in this process: a question through the real gate, an end on record, and an untouched platform."""

import json

import psycopg
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

REASON = "I would let it, the rise is real"


def record(platform) -> list[tuple[str, dict]]:
    """Verb and detail of each audit entry about drills."""
    query = "select verb, detail_text from ledger_guard.audit_entry where subject like 'drill:%' order by sequence"
    with psycopg.connect(platform.uri) as connection:
        return [(verb, json.loads(detail)) for verb, detail in connection.execute(query)]


def drill_titles(channel) -> list[str]:
    """What was posted, without what a first task says of the guard itself."""
    titles = [message["text"].split(": ")[0] for message in channel.messages]
    return [title for title in titles if not title.removeprefix("<!here> ").startswith("watch · ")]


def test_an_answered_drill_ends_well_and_everything_it_posts_is_marked(platform, channel, run_dag, answerer):
    wallets = platform.wallets()
    answerer.when_parked("guard_drill", "request_approval", "Approve", REASON, user="ops-lead")
    states = run_dag("guard_drill", {"trigger": "T3"})
    assert (states["run"], states["notify"], states["verify_approval"]) == ("success",) * 3
    verbs, details = zip(*record(platform), strict=True)
    assert verbs[:2] + verbs[-1:] == ("request_drill", "begin_drill", "end_drill")
    assert set(verbs) == {"request_drill", "begin_drill", "judge_drill", "tell_drill", "end_drill"}
    assert (details[0]["is_proved"], details[-1]["outcome"], details[-1]["answered_by"]) == (True, "answered", "ops-lead")
    assert {title.split(" · ")[0] for title in drill_titles(channel)} == {"DRILL"}
    assert platform.wallets() == wallets
    for table in ("incident", "sensed_window", "signal_window", "verdict", "engine_state", "plan", "flag_change", "freeze"):
        assert platform.run(f"select count(*) from ledger_guard.{table}") == 0, table


def test_a_rejection_is_an_answer_and_a_gate_marked_success_by_hand_is_none(platform, channel, run_dag, answerer):
    answerer.when_parked("guard_drill", "request_approval", "Reject", "I would look at the log first", user="ops-lead")
    states = run_dag("guard_drill", {"trigger": "T1"})
    assert (states["close"], states["verify_approval"]) == ("success", "skipped")
    assert record(platform)[-1][1]["answer"] == "rejected"
    states = run_dag("guard_drill", {"trigger": "T2"}, mark_success_pattern="request_approval")
    assert (states["verify_approval"], states["close"], states["run"]) == ("failed", "failed", "failed")
    assert record(platform)[-1][1]["outcome"] == "failed"


def test_a_canary_tenant_that_exists_is_refused_before_anything_is_asked(platform, channel, run_dag):
    platform.run("insert into tenant (id, name, type) values ('drill_canary', 'A real one', 'renter')")
    states = run_dag("guard_drill", {"trigger": "T1"})
    assert (states["review"], states["request_approval"], states["run"]) == ("failed", "upstream_failed", "failed")
    assert platform.run("select count(*) from ledger_guard.approval") == 0
    assert {title.split(" · ")[0] for title in drill_titles(channel)} == {"DRILL"}


def test_the_health_check_starts_a_drill_that_was_asked_for_once_and_ends_one_whose_run_is_gone(platform, channel, run_dag):
    from ledger_guard.domain.facts.codec import recorded
    from ledger_guard.domain.facts.drills import DrillBegun
    from ledger_guard.use_cases.drills.request import request_drill
    from ledger_guard.wiring import open_dependencies

    assert run_dag("ledger_health_check", {"triggers": ["T3"]})["start_drills"] == "skipped"
    drill = request_drill(open_dependencies(), "T1", "anna", is_proved=False)
    # another task has looked within the minute; drills are taken up all the same
    assert run_dag("ledger_health_check", {"triggers": ["T3"]})["start_drills"] == "success"
    grant = "select conf->>'trigger' from ledger_guard.run_grant where dag_id = 'guard_drill' and requested_by = 'ledger_guard'"
    assert platform.run(grant) == "T1"
    deps = open_dependencies()
    with deps.state.transaction() as state:
        fact, at = DrillBegun(run_id="drill__T1__deleted"), deps.wall_clock.now()
        state.audit.append(recorded(fact, actor="ledger_guard", subject=f"drill:{drill.drill_id}", at=at))
    assert run_dag("ledger_health_check", {"triggers": ["T3"]})["start_drills"] == "skipped"
    assert record(platform)[-1][1]["outcome"] == "timed_out"
    assert any(title.startswith("DRILL · end · T1") for title in drill_titles(channel))
