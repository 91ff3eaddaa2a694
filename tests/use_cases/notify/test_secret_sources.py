"""One contract for all secret sources, and where the dotenv one looks."""

from __future__ import annotations

import hashlib
import time

import pytest

from ledger_guard.adapters.memory.secrets import InMemorySecretSource
from ledger_guard.adapters.secrets.dotenv_secrets import DotenvSecretSource
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.secrets import inspect_secret, secret_fingerprint
from ledger_guard.policy.loader import load_policy, policy_path
from ledger_guard.policy.platform import OtherEnvironment

STRONG = "whsec-4fJk29dkQpZ7vT1x"
NAME = "WEBHOOK_SECRET_MOCKPSP"


@pytest.fixture
def policy(monkeypatch):
    for name in ("LEDGER_GUARD_ENV_FILE", "WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET", "ADYEN_HMAC_KEY", NAME):
        monkeypatch.delenv(name, raising=False)
    return load_policy(policy_path())


@pytest.fixture(params=["memory", "dotenv", "environment"])
def finding_of(request, policy, tmp_path, monkeypatch):
    """What a source finds about mockpsp's secret when it has this value."""

    def found(value: str | None):
        if request.param == "memory":
            source = InMemorySecretSource()
            source.inspect("mockpsp", NAME, value, placeholders=policy.secrets.placeholders)
        else:
            source = DotenvSecretSource(policy)
            if request.param == "dotenv":
                file = tmp_path / ".env"
                file.write_text("" if value is None else f"{NAME}='{value}'\n", encoding="utf-8")
                monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(file))
            elif value is None:
                # with none of the names the environment is no source at all
                monkeypatch.setenv("ADYEN_HMAC_KEY", STRONG)
            else:
                monkeypatch.setenv(NAME, value)
        (finding,) = [finding for finding in source.findings() if finding.provider == "mockpsp"]
        return finding

    return found


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        pytest.param(STRONG, (), id="strong"),
        pytest.param(None, ("is not set",), id="absent"),
        pytest.param("", ("is empty: the platform refuses to start with an empty value",), id="empty"),
        pytest.param(f" {STRONG}", ("has spaces around it: the platform refuses to start with a padded value",), id="padded"),
        pytest.param("Webhook-Secret", ("is a placeholder that ships with the platform",), id="placeholder"),
        pytest.param("x" * 15, ("is shorter than 16 characters",), id="one character too short"),
        pytest.param("x" * 16, (), id="just long enough"),
    ],
)
def test_a_secret_is_judged_by_its_form(finding_of, value, problems):
    assert finding_of(value).problems == problems


def test_equal_secrets_have_equal_fingerprints_and_others_others(finding_of):
    first, again, other = finding_of(STRONG), finding_of(STRONG), finding_of(f"{STRONG}x")
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("value", ["x" * 15, "changeme", "Webhook-Secret", " secret "])
def test_a_secret_that_could_be_guessed_has_no_fingerprint_to_guess_it_from(finding_of, value):
    finding = finding_of(value)
    assert (finding.is_present, finding.fingerprint) == (True, None)


def test_a_fingerprint_is_short_dear_and_worth_nothing_without_the_key(policy, monkeypatch):
    """Neither a plain hash nor long enough to bring a guess home; another key gives another one."""
    monkeypatch.setenv(NAME, STRONG)

    def fingerprint() -> str | None:
        return next(finding.fingerprint for finding in DotenvSecretSource(policy).findings() if finding.provider == "mockpsp")

    keyless = fingerprint()
    monkeypatch.setenv("LEDGER_GUARD_FINGERPRINT_KEY", "a-key-of-the-guard")
    keyed = fingerprint()
    assert keyless != keyed
    assert {len(keyless or ""), len(keyed or "")} == {8}
    assert not hashlib.sha256(f"{NAME}\0{STRONG}".encode()).hexdigest().startswith(keyless or "")
    began = time.process_time()
    secret_fingerprint(NAME, STRONG)
    assert time.process_time() - began > 0.005


def _elsewhere(policy, **environments):
    secrets = policy.secrets.model_copy(
        update={"other_environments": {label: OtherEnvironment(**given) for label, given in environments.items()}}
    )
    return policy.model_copy(update={"secrets": secrets})


def test_a_secret_of_another_environment_is_named_and_never_shown(policy, tmp_path, monkeypatch):
    monkeypatch.setenv(NAME, STRONG)
    monkeypatch.setenv("ADYEN_HMAC_KEY", "9C01D7A4E2B86F35A0C4D8E1F7B29364")
    staging = tmp_path / "staging.env"
    staging.write_text(f"{NAME}={STRONG}-other\nSTRIPE_WEBHOOK_SECRET={STRONG}\n", encoding="utf-8")
    given = secret_fingerprint(NAME, STRONG)
    found = DotenvSecretSource(
        _elsewhere(policy, staging={"env_file": str(staging)}, test={"fingerprints": {NAME.lower(): given}})
    ).findings()
    problems = {finding.provider: finding.problems for finding in found}
    assert problems["mockpsp"] == ("is the same as in the environment staging", "is the same as in the environment test")
    assert problems["adyen"] == ()
    assert STRONG not in repr(found)


def test_another_environment_that_can_not_be_read_is_not_taken_for_different(policy, tmp_path, monkeypatch):
    monkeypatch.setenv(NAME, STRONG)
    found = DotenvSecretSource(_elsewhere(policy, staging={"env_file": str(tmp_path / "absent.env")})).findings()
    (finding,) = [finding for finding in found if finding.provider == "mockpsp"]
    assert finding.problems == ()
    assert "not compared with the environment staging: secrets: the env file" in finding.not_known[0]


def test_dollar_signs_without_braces_are_taken_as_they_stand(finding_of):
    value = "pa$$word$HOME-long"
    assert finding_of(value) == inspect_secret("mockpsp", NAME, value, (), 16)


def test_an_absent_secret_has_no_fingerprint(finding_of):
    assert (finding_of(None).is_present, finding_of(None).fingerprint) == (False, None)


def test_every_secret_of_the_policy_gets_a_finding(policy, monkeypatch):
    monkeypatch.setenv(NAME, STRONG)
    assert [(finding.provider, finding.name) for finding in DotenvSecretSource(policy).findings()] == [
        ("adyen", "ADYEN_HMAC_KEY"),
        ("generic", "WEBHOOK_SECRET"),
        ("mockpsp", NAME),
        ("stripe", "STRIPE_WEBHOOK_SECRET"),
    ]


def test_where_no_source_is_configured_nothing_is_called_absent(policy):
    with pytest.raises(SourceUnavailable) as refusal:
        DotenvSecretSource(policy).findings()
    assert str(refusal.value) == (
        "secrets: no source configured: neither LEDGER_GUARD_ENV_FILE nor the policy's secrets.env_file names a file, and the "
        "guard's own environment has none of the secrets; allowed: one of them"
    )


@pytest.mark.parametrize("value", [STRONG, ""])
def test_one_of_the_names_in_the_environment_makes_it_the_source_and_the_others_absent(policy, monkeypatch, value):
    monkeypatch.setenv(NAME, value)
    absent = {finding.name for finding in DotenvSecretSource(policy).findings() if finding.problems == ("is not set",)}
    assert absent == {"ADYEN_HMAC_KEY", "STRIPE_WEBHOOK_SECRET", "WEBHOOK_SECRET"}


@pytest.mark.parametrize("by", ["variable", "policy"])
def test_a_file_that_is_named_is_the_source_though_it_has_none_of_the_secrets(policy, tmp_path, monkeypatch, by):
    file = tmp_path / ".env"
    file.write_text("OTHER=1\n", encoding="utf-8")
    if by == "variable":
        monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(file))
    else:
        policy = policy.model_copy(update={"secrets": policy.secrets.model_copy(update={"env_file": str(file)})})
    assert [finding.problems for finding in DotenvSecretSource(policy).findings()] == [("is not set",)] * 4


def test_a_policy_without_secrets_needs_no_source(policy):
    none = policy.model_copy(update={"secrets": policy.secrets.model_copy(update={"names": {}})})
    assert DotenvSecretSource(none).findings() == []


def test_names_are_read_in_any_case_of_letters_as_the_platform_does(policy, monkeypatch):
    monkeypatch.setenv(NAME.lower(), STRONG)
    (finding,) = [finding for finding in DotenvSecretSource(policy).findings() if finding.provider == "mockpsp"]
    assert finding.is_present


def _with_env_file(policy, path):
    return policy.model_copy(update={"secrets": policy.secrets.model_copy(update={"env_file": str(path)})})


def test_the_variable_wins_over_the_policys_file_and_the_file_over_the_environment(policy, tmp_path, monkeypatch):
    policys, variables = tmp_path / "policy.env", tmp_path / "variable.env"
    policys.write_text("WEBHOOK_SECRET=from-the-policys-file\n", encoding="utf-8")
    variables.write_text("STRIPE_WEBHOOK_SECRET=from-the-variables-file\n", encoding="utf-8")
    monkeypatch.setenv("ADYEN_HMAC_KEY", "from-the-environment")
    source = DotenvSecretSource(_with_env_file(policy, policys))

    def present() -> list[str]:
        return [finding.provider for finding in source.findings() if finding.is_present]

    assert present() == ["generic"]
    monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(variables))
    assert present() == ["stripe"]
    assert [f.provider for f in DotenvSecretSource(policy).findings() if f.is_present] == ["stripe"]
    monkeypatch.delenv("LEDGER_GUARD_ENV_FILE")
    assert [f.provider for f in DotenvSecretSource(policy).findings() if f.is_present] == ["adyen"]


def test_a_file_that_is_not_there_is_not_taken_for_absent_secrets(policy, tmp_path):
    source = DotenvSecretSource(_with_env_file(policy, tmp_path / "absent.env"))
    with pytest.raises(SourceUnavailable, match=r"absent\.env can't be read \(No such file or directory\)"):
        source.findings()


def test_a_file_that_is_not_text_is_refused_without_showing_it(policy, tmp_path):
    file = tmp_path / "binary.env"
    file.write_bytes(b"WEBHOOK_SECRET=hush-hush-hush-\xff\xfe\n")
    with pytest.raises(SourceUnavailable, match="is not UTF-8 text") as caught:
        DotenvSecretSource(_with_env_file(policy, file)).findings()
    assert caught.value.__cause__ is None
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("in_file", "in_environment", "signs_with"),
    [
        pytest.param(STRONG, "of the guard's own", STRONG, id="the dotenv file first"),
        pytest.param(None, "of the guard's own", "of the guard's own", id="the guard's variable where the file has no such name"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_a_canary_is_signed_with_what_the_platform_reads(policy, tmp_path, monkeypatch, in_file, in_environment, signs_with):
    file = tmp_path / ".env"
    file.write_text("" if in_file is None else f"{NAME.lower()}='{in_file}'\n", encoding="utf-8")
    monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(file))
    if in_environment is not None:
        monkeypatch.setenv(NAME, in_environment)
    assert DotenvSecretSource(policy).signing_secret(NAME) == signs_with


def test_a_canary_is_not_signed_with_a_guess_while_the_dotenv_file_cannot_be_read(policy, tmp_path, monkeypatch):
    monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(tmp_path / "none"))
    monkeypatch.setenv(NAME, STRONG)
    with pytest.raises(SourceUnavailable, match="can't be read"):
        DotenvSecretSource(policy).signing_secret(NAME)
