"""Probes whose requests the policy writes as a platform wants them, and what an answer about their form is worth."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from tests.use_cases.flags.reference_service import PLAYER, SECRET, TOKEN, WEBHOOK_PATH, WITHDRAW_PATH, ReferenceService
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE

from ledger_guard.adapters.flag_probes.probes import HttpFlagProbes
from ledger_guard.adapters.flag_probes.requests import signature
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.policy.probes import Probe, SignatureScheme
from ledger_guard.policy.request_template import filled

ENVIRONMENT = {"WEBHOOK_SECRET_MOCKPSP": SECRET, "CANARY_TOKEN": TOKEN}
WEBHOOK_BODY = {
    "provider_event_id": "canary-{canary_id}",
    "event_type": "ledger_guard_canary",
    "amount": 1.0,
    "currency": "USD",
    "tenant_id": PLAYER[0],
    "player_id": PLAYER[1],
    "note": "für den Kanarienvogel",
}
WITHDRAWAL_BODY = {"amount": "{amount}", "method": "bank", "address": "canary {player_id}"}


@pytest.fixture
def platform():
    service = ReferenceService().start()
    yield service
    service.stop()


def _probes(platform, flag, environment=ENVIRONMENT, secret_of=None, **changes):
    webhook = {
        "kind": "webhook",
        "url": platform.base_url + WEBHOOK_PATH,
        "secret_env": "WEBHOOK_SECRET_MOCKPSP",
        "signature_scheme": "sha256_secret_sorted_json",
        "signature_header": "X-MockPSP-Signature",
        "body": WEBHOOK_BODY,
    }
    withdrawal = {
        "kind": "withdrawal",
        "url": platform.base_url + WITHDRAW_PATH,
        "tenant_id": PLAYER[0],
        "player_id": PLAYER[1],
        "amount_cents": 29,
        "token_env": "CANARY_TOKEN",
        "headers": {"X-Request-Id": "guard-{canary_id}"},
        "body": WITHDRAWAL_BODY,
    }
    canary = {**(webhook if flag == SIGNATURE else withdrawal), **changes}
    probe = Probe.model_validate_json(json.dumps({"canary": canary}), strict=True)
    return HttpFlagProbes({flag: probe}, environment, secret_of=secret_of)


@pytest.mark.parametrize("flag", [SIGNATURE, BALANCE])
@pytest.mark.parametrize("enforced", [True, False])
def test_the_canary_of_the_reference_platform_shows_what_it_does(platform, flag, enforced):
    platform.enforces_signatures = platform.enforces_balance = enforced
    probes = _probes(platform, flag)
    assert [look.shows for look in probes.looks(flag)] == [enforced]
    assert probes.canary(flag, EVERYWHERE, wanted=enforced).is_in_effect
    assert not probes.canary(flag, EVERYWHERE, wanted=not enforced).is_in_effect


def test_what_is_sent_is_what_the_policy_says_and_every_request_is_its_own(platform):
    _probes(platform, SIGNATURE).looks(SIGNATURE)
    _probes(platform, BALANCE).looks(BALANCE)
    (_, _, first), (_, _, second), (_, headers, withdrawal) = platform.received
    assert first["provider_event_id"] != second["provider_event_id"]
    assert {**first, "provider_event_id": ""} == {**WEBHOOK_BODY, "provider_event_id": ""}
    assert withdrawal == {"amount": 0.29, "method": "bank", "address": "canary canary-1"}
    assert headers["x-request-id"] == f"guard-{headers['idempotency-key']}"


def test_a_key_that_the_policy_names_itself_is_left_alone(platform):
    _probes(platform, BALANCE, headers={"idempotency-key": "k-{canary_id}"}).looks(BALANCE)
    assert platform.received[0][1]["idempotency-key"].startswith("k-")


@pytest.mark.parametrize(
    ("flag", "changes", "says"),
    [
        pytest.param(SIGNATURE, {"body": {"event_type": "canary"}}, "400 INVALID_WEBHOOK", id="no event id"),
        pytest.param(
            SIGNATURE,
            {"body": {"provider_event_id": "{canary_id}", "event_type": "deposit_captured"}},
            "400 MISSING_IDS",
            id="missing ids",
        ),
        pytest.param(BALANCE, {"body": {"amount": "{amount}"}}, "422 body.method, body.address", id="missing fields"),
        pytest.param(BALANCE, {"body": {**WITHDRAWAL_BODY, "amount": "0.29"}}, "422 body.amount", id="amount as a text"),
        pytest.param(BALANCE, {"token_env": None}, "answered 401", id="no token"),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_a_request_that_is_refused_for_its_form_is_unusable_and_never_not_in_effect(platform, flag, changes, says, wanted):
    finding = _probes(platform, flag, **changes).canary(flag, EVERYWHERE, wanted)
    assert not finding.is_usable
    assert "is unusable: " in finding.words
    assert says in finding.words


@pytest.mark.parametrize("status", [302, 400, 403, 404, 405, 409, 415, 422])
@pytest.mark.parametrize("flag", [SIGNATURE, BALANCE])
def test_these_answers_are_about_the_form(platform, flag, status):
    platform.answer = lambda *_: (status, {"detail": "no"})
    (look,) = _probes(platform, flag).looks(flag)
    assert (look.is_usable, look.shows) == (False, None)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
@pytest.mark.parametrize("flag", [SIGNATURE, BALANCE])
def test_these_answers_show_nothing_and_a_change_is_not_in_effect_by_them(platform, flag, status):
    platform.answer = lambda *_: (status, {"detail": "no"})
    finding = _probes(platform, flag).canary(flag, EVERYWHERE, wanted=True)
    assert (finding.is_usable, finding.is_in_effect) == (True, False)


def test_a_check_that_refuses_right_signatures_too_is_told_as_broken(platform):
    platform.enforces_signatures = platform.check_is_broken = True
    for wanted in (True, False):
        finding = _probes(platform, SIGNATURE).canary(SIGNATURE, EVERYWHERE, wanted)
        assert (finding.is_usable, finding.is_in_effect) == (True, False)
        assert finding.words.endswith("the check refuses right signatures too, or goes by another secret")


def test_a_refusal_with_another_code_than_the_policys_is_about_the_form(platform):
    platform.payment_webhook = lambda *_: (401, {"detail": "Not authenticated"})
    (look,) = _probes(platform, SIGNATURE, refused_code="WEBHOOK_SIGNATURE_INVALID").looks(SIGNATURE)
    assert not look.is_usable


@pytest.mark.parametrize(
    ("flag", "environment", "says"),
    [
        pytest.param(SIGNATURE, {}, "WEBHOOK_SECRET_MOCKPSP is not set", id="no secret"),
        pytest.param(BALANCE, {}, "CANARY_TOKEN is not set", id="no token"),
    ],
)
def test_without_secret_or_token_nothing_is_sent(platform, flag, environment, says):
    (look,) = _probes(platform, flag, environment).looks(flag)
    assert not look.is_usable
    assert says in look.words
    assert platform.received == []


def test_a_source_of_secrets_that_is_away_makes_the_canary_unusable(platform):
    def away(_name):
        raise SourceUnavailable("secrets: the env file can't be read")

    (look,) = _probes(platform, SIGNATURE, secret_of=away).looks(SIGNATURE)
    assert (look.is_usable, platform.received) == (False, [])
    assert "the env file can't be read" in look.words


def test_no_finding_holds_a_secret_or_what_the_platform_repeats(platform):
    platform.player_withdrawal = lambda headers, _: (422, {"detail": headers["authorization"]})
    words = [look.words for flag in (SIGNATURE, BALANCE) for look in _probes(platform, flag).looks(flag)]
    assert not any(SECRET in said or TOKEN in said for said in words)


# --- instances ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "is_usable"),
    [
        pytest.param(404, b"{}", False, id="no such address"),
        pytest.param(401, b"{}", False, id="no token"),
        pytest.param(200, b"hello", False, id="no JSON"),
        pytest.param(200, b'{"flag": "on"}', False, id="neither true nor false"),
        pytest.param(503, b"{}", True, id="not up yet"),
        pytest.param(200, b'{"flag": true}', True, id="a value"),
    ],
)
def test_an_instance_whose_answer_does_not_fit_the_probe_is_unusable(httpserver_of, status, body, is_usable):
    probe = Probe.model_validate({"instances": {"urls": (httpserver_of(status, body),), "value_at": "flag", "wait_seconds": 0}})
    (finding,) = HttpFlagProbes({SIGNATURE: probe}, {}).instances(SIGNATURE, EVERYWHERE, wanted=True)
    assert finding.is_usable is is_usable
    assert finding.is_in_effect is (body == b'{"flag": true}')


@pytest.fixture
def httpserver_of():
    from ledger_sandbox.stub_server import QuietHandler, StubServer

    started = []

    def serve(status, body):
        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802  http.server calls it so
                self.send_content(status, body)

        started.append(StubServer(Handler).start())
        return f"{started[0].base_url}/flags"

    yield serve
    for server in started:
        server.stop()


# --- templates and signatures -------------------------------------------------------------------------------------


def test_gaps_are_filled_with_values_wherever_they_stand_and_never_with_what_a_value_says():
    template = {"a": "{amount}", "b": ["x-{canary_id}", {"c": "{canary_id}"}], "{canary_id}": 1, "d": "{}", "e": None}
    values = {"amount": 0.1, "canary_id": "{amount}"}
    assert filled(template, values) == {
        "a": 0.1,
        "b": ["x-{amount}", {"c": "{amount}"}],
        "{canary_id}": 1,
        "d": "{}",
        "e": None,
    }


def test_the_schemes_sign_as_written_down():
    body = {"b": 1.0, "a": "ü"}
    content = json.dumps(body).encode()
    assert signature(SignatureScheme.HMAC_SHA256_BODY, "s", body, content) == hmac.new(b"s", content, "sha256").hexdigest()
    sorted_json = 's{"a":"\\u00fc","b":1.0}'
    assert signature(SignatureScheme.SHA256_SORTED_JSON, "s", body, content) == hashlib.sha256(sorted_json.encode()).hexdigest()
