"""Secrets in dotenv files as people have them: the value that the platform reads, and the common causes by name."""

from __future__ import annotations

import json

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger_guard.adapters.secrets.dotenv_secrets import DotenvSecretSource
from ledger_guard.domain.secrets import secret_fingerprint
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.policy.platform import OtherEnvironment
from ledger_guard.signals.check_secrets import finding_words

NAME = "WEBHOOK_SECRET_MOCKPSP"
STRONG = "mk-5e0d9f1b7c3a2846d0f1"
GENERIC = "d41c8a90b7e65f3210aa"
ENDPOINT = "whsec_9Lm2Qx7Rt0Vb4Nz8Kp1d"
HMAC_KEY = "4BD1A6C0" * 8


def _content(mockpsp: str, **changes: str) -> str:
    lines = {"WEBHOOK_SECRET": GENERIC, "STRIPE_WEBHOOK_SECRET": ENDPOINT, "ADYEN_HMAC_KEY": HMAC_KEY, **changes}
    return "".join([f"{mockpsp}\n", *(f"{name}={value}\n" for name, value in lines.items())])


class _Settings(BaseSettings):
    """The secret, as the platform declares it."""

    model_config = SettingsConfigDict(extra="ignore")

    webhook_secret_mockpsp: str | None = None


@pytest.fixture
def policy(monkeypatch):
    for name in (NAME, "WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET", "ADYEN_HMAC_KEY", "SIGNING", "REAL"):
        monkeypatch.delenv(name, raising=False)
    return load_policy(policy_path())


@pytest.fixture
def found_in(policy, tmp_path, monkeypatch):
    """The findings of a file, by provider."""

    def found(content: str, staging: str | None = None):
        file = tmp_path / "platform.env"
        file.write_bytes(content.encode())
        monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(file))
        others = {}
        if staging is not None:
            other = tmp_path / "staging.env"
            other.write_text(staging, encoding="utf-8")
            others = {"staging": OtherEnvironment(env_file=str(other))}
        secrets = policy.secrets.model_copy(update={"other_environments": others})
        source = DotenvSecretSource(policy.model_copy(update={"secrets": secrets}))
        return {finding.provider: finding for finding in source.findings()}

    return found


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"{NAME}={STRONG}", id="plain"),
        pytest.param(f"{NAME}={STRONG}\u00a0", id="hard space at the end"),
        pytest.param(f"{NAME}={STRONG}#9", id="hash within"),
        pytest.param(f"{NAME}={STRONG}\r", id="line end of Windows"),
        pytest.param(f"\ufeff{NAME}={STRONG}", id="byte order mark before it"),
        pytest.param(f"SIGNING={STRONG}\n{NAME}=${{SIGNING}}", id="taken from a line above"),
        pytest.param(f"SIGNING=\n{NAME}={STRONG}${{SIGNING}}", id="an empty line above put in"),
        pytest.param(f"{NAME}='pa$$word$HOME-{STRONG}'", id="dollar signs without braces"),
    ],
)
def test_a_value_is_the_one_that_the_platform_reads_and_nothing_is_wrong_with_it(found_in, tmp_path, line):
    finding = found_in(_content(line))["mockpsp"]
    read = _Settings(_env_file=tmp_path / "platform.env").webhook_secret_mockpsp
    assert (finding.problems, finding.not_known) == ((), ())
    assert finding.fingerprint == secret_fingerprint(NAME, read)


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        pytest.param(f'{NAME}="{STRONG}\\n"', ["has spaces around it"], id="newline at the end"),
        pytest.param(f"{NAME}='\"{STRONG}\"'", ["has quotes of its own around it"], id="quotes within quotes"),
        pytest.param(f"{NAME}={STRONG[:6]}\u200b{STRONG[6:]}", ["has characters that can't be seen (U+200B)"], id="zero width"),
        pytest.param(f"{NAME}={STRONG[:6]} {STRONG[6:]}", ["has a blank within"], id="blank within"),
        pytest.param(f"{NAME}=mk-live #{STRONG}", ["is shorter than 16"], id="a comment begins within it"),
        pytest.param(f"{NAME}=<put-the-webhook-secret-here>", ["is a placeholder: nobody"], id="in angle brackets"),
        pytest.param(f"{NAME}=changeme-changeme-changeme", ["is a placeholder: nobody"], id="a placeholder again and again"),
        pytest.param(f"{NAME}=your_webhook_secret_here", ["is a placeholder: nobody"], id="words of a placeholder"),
        pytest.param(f"{NAME}=changeme", ["is a placeholder that ships"], id="a placeholder of the platform"),
        pytest.param(f"SIGNING=changeme\n{NAME}=${{SIGNING}}", ["is a placeholder that ships"], id="a placeholder from above"),
        pytest.param(f"{NAME}=old-{STRONG}\n{NAME}={STRONG}", ["is set 2 times in the file"], id="set twice"),
        pytest.param(f"{NAME.lower()}=old-{STRONG}\n{NAME}={STRONG}", ["is set 2 times in the file"], id="twice, other letters"),
        pytest.param(
            f"{NAME}={GENERIC}", ["is the same as WEBHOOK_SECRET: one value under two names"], id="one value, two names"
        ),
    ],
)
def test_a_common_cause_is_named_and_never_shown(found_in, line, problems):
    finding = found_in(_content(line))["mockpsp"]
    assert len(finding.problems) == len(problems)
    assert [said.startswith(wanted) for said, wanted in zip(finding.problems, problems, strict=True)] == [True] * len(problems)
    assert not [secret for secret in (STRONG, STRONG[6:], GENERIC) if secret in repr(finding)]


@pytest.mark.parametrize(
    ("provider", "name", "value", "problem"),
    [
        pytest.param("stripe", "STRIPE_WEBHOOK_SECRET", "sk_test_31TallerTallerTaller", "is a Stripe API key", id="secret key"),
        pytest.param(
            "stripe", "STRIPE_WEBHOOK_SECRET", "rk_live_31TallerTallerTaller", "is a Stripe API key", id="restricted key"
        ),
        pytest.param("stripe", "STRIPE_WEBHOOK_SECRET", ENDPOINT, None, id="webhook secret"),
        pytest.param("adyen", "ADYEN_HMAC_KEY", "AQExhmfuXNWTK0Qc+iSS/k81", "is no hexadecimal key", id="API key"),
        pytest.param("adyen", "ADYEN_HMAC_KEY", HMAC_KEY[:-1], "is no hexadecimal key", id="one digit too few"),
        pytest.param("adyen", "ADYEN_HMAC_KEY", HMAC_KEY.lower(), None, id="hexadecimal in small letters"),
    ],
)
def test_a_key_of_the_wrong_kind_is_named(found_in, provider, name, value, problem):
    found = found_in(_content(f"{NAME}={STRONG}", **{name: value}))
    assert [said[: len(problem)] for said in found[provider].problems] == [problem] if problem else found[provider].problems == ()
    assert found["mockpsp"].problems == ()


def test_the_kind_of_a_key_is_asked_of_its_own_provider_only(found_in):
    assert found_in(_content(f"{NAME}=sk_test_31TallerTallerTaller"))["mockpsp"].problems == ()


def test_both_names_of_one_value_are_told(found_in):
    found = found_in(_content(f"{NAME}={GENERIC}"))
    assert found["generic"].problems[0].startswith(f"is the same as {NAME}:")


def test_a_line_that_the_platform_skips_is_told_as_the_cause(found_in):
    finding = found_in(_content(f'{NAME}="{STRONG}'))["mockpsp"]
    assert not finding.is_present
    assert "a line with its name can't be read" in finding.problems[0]


@pytest.mark.parametrize(
    ("own", "staging", "problems"),
    [
        pytest.param(STRONG, f"SIGNING=st-{STRONG}\n{NAME}=${{SIGNING}}\n", (), id="the same words, other values"),
        pytest.param(
            f"st-{STRONG}", f"SIGNING=st-{STRONG}\n{NAME}=${{SIGNING}}\n", ("staging",), id="other words, the same value"
        ),
    ],
)
def test_environments_are_compared_by_what_the_platform_reads(found_in, own, staging, problems):
    finding = found_in(_content(f"SIGNING={own}\n{NAME}=${{SIGNING}}"), staging)["mockpsp"]
    assert finding.problems == tuple(f"is the same as in the environment {label}" for label in problems)


def test_a_line_above_comes_before_the_process_environment(found_in, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNING", f"{STRONG}-of-the-process")
    finding = found_in(_content(f"SIGNING={STRONG}\n{NAME}=${{SIGNING}}"))["mockpsp"]
    assert _Settings(_env_file=tmp_path / "platform.env").webhook_secret_mockpsp == STRONG
    assert (finding.fingerprint, finding.not_known) == (secret_fingerprint(NAME, STRONG), ())


def test_a_rotation_of_what_a_secret_is_taken_from_is_seen(found_in):
    before, after = (found_in(_content(f"SIGNING={value}\n{NAME}=${{SIGNING}}"))["mockpsp"] for value in (STRONG, f"{STRONG}x"))
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize("given", ["${SIGNING}", "${SIGNING:-changeme}"])
def test_a_value_that_only_the_platforms_processes_know_is_not_judged(found_in, monkeypatch, given):
    content = _content(f"{NAME}={given}\nSIGNING={STRONG}")
    finding = found_in(content)["mockpsp"]
    assert (finding.is_present, finding.is_value_known, finding.fingerprint, finding.problems) == (True, False, None, ())
    assert finding_words(finding).startswith("set, but its value can't be read here; it is made from ${SIGNING}")
    monkeypatch.setenv("SIGNING", STRONG)
    finding = found_in(content)["mockpsp"]
    assert (finding.is_value_known, finding.fingerprint) == (True, secret_fingerprint(NAME, STRONG))
    assert "judged by what the guard's own has" in finding.not_known[0]


def test_another_environments_secret_that_only_its_processes_know_is_not_taken_for_different(found_in, monkeypatch):
    monkeypatch.setenv("REAL", STRONG)
    finding = found_in(_content(f"{NAME}={STRONG}"), f"{NAME}=${{REAL}}\n")["mockpsp"]
    assert finding.problems == ()
    assert f"not compared with {NAME} of the environment staging" in json.dumps(finding.not_known)
