"""A secret's value is in no notice, Slack message, audit entry, log line, error or representation."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
from tests.triggers import T2
from tests.use_cases.notify.moments import NOON, WINDOW

from ledger_guard.adapters.notifiers.slack_blocks import slack_message
from ledger_guard.adapters.secrets.dotenv_secrets import DotenvSecretSource
from ledger_guard.domain.errors import PolicyError
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.policy.loader import parse_policy, policy_path
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.use_cases.notify.notify import action_notice, incident_notice, notify
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation

#: one for each thing that can be wrong, so that every sentence about a secret is made
VALUES = {
    "WEBHOOK_SECRET_MOCKPSP": "  hush-padded-hush  ",
    "WEBHOOK_SECRET": "hush-short",
    "STRIPE_WEBHOOK_SECRET": "hush-strong-and-long-enough",
    "ADYEN_HMAC_KEY": "hush-placeholder",
}


@pytest.mark.parametrize("place", ["environment", "file"])
def test_no_value_of_a_secret_gets_out(world, open_incident, monkeypatch, tmp_path, caplog, capsys, place):
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("LEDGER_GUARD_ENV_FILE", raising=False)
    if place == "environment":
        for name, value in VALUES.items():
            monkeypatch.setenv(name, value)
    else:
        file = tmp_path / "platform.env"
        lines = [f"{name}='{value}'" for name, value in VALUES.items()]
        file.write_text("\n".join([*lines, "this hush-line is no assignment", "='hush-nameless'"]), encoding="utf-8")
        monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(file))
    policy = world.deps.policy
    secrets = policy.secrets.model_copy(update={"placeholders": ("hush-placeholder",)})
    source = DotenvSecretSource(policy.model_copy(update={"secrets": secrets}))
    deps = replace(world.deps, secrets=source)
    incident = open_incident(T2)
    world.flags.put("webhook_signature_enforced", "*", is_enabled=True)
    world.triage.fail(
        FailureGroup("mockpsp", "WEBHOOK_SIGNATURE_INVALID", 40, 41, NOON - WINDOW),
        FailureGroup("generic", "WEBHOOK_SIGNATURE_INVALID", 4, 41, NOON - WINDOW),
    )

    report = check_secrets(deps, incident.incident_id)
    plans = plan_secret_rotation(deps, incident.incident_id, "oncall").plans
    notices = [
        incident_notice(deps, incident.incident_id, "classify"),
        action_notice(deps, incident.incident_id, "check_secrets", report.likeliest_cause, report.as_facts()),
    ]
    for notice in notices:
        notify(deps, notice)
    with world.state.transaction() as state:
        audit = list(state.audit.entries())

    assert {len(finding.problems) for finding in report.findings} == {0, 1}
    out, err = capsys.readouterr()
    everything = [
        *(repr(thing) for thing in (report, source, deps, notices, plans, audit, world.notifier.posted, vars(source))),
        json.dumps(json_of(report.on_record())),
        json.dumps([slack_message(notice) for notice in notices]),
        caplog.text,
        out + err,
    ]
    for text in everything:
        assert "hush" not in text.replace("placeholders=('hush-placeholder',)", "")


def test_a_secret_put_into_the_policy_by_mistake_is_not_repeated_in_the_error():
    text = policy_path().read_text(encoding="utf-8")
    assert "mockpsp: WEBHOOK_SECRET_MOCKPSP" in text
    for wrong in ("mockpsp: hush-hush-hush-hush", "mockpsp: [hush-hush]", "mockpsp: {hush-hush: hush}"):
        with pytest.raises(PolicyError) as caught:
            parse_policy(text.replace("mockpsp: WEBHOOK_SECRET_MOCKPSP", wrong), "p.yaml")
        assert "hush" not in str(caught.value)
