"""The platform's webhook secrets as its environment holds them: looked at, judged, forgotten."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.secrets import SecretFinding, inspect_secret, secret_fingerprint
from ledger_guard.policy.platform import OtherEnvironment
from ledger_guard.policy.schema import Policy

#: a dotenv file that wins over the policy's own
ENV_FILE_VARIABLE = "LEDGER_GUARD_ENV_FILE"
#: makes fingerprints worth nothing to whoever does not have it
FINGERPRINT_KEY_VARIABLE = "LEDGER_GUARD_FINGERPRINT_KEY"

Values = Mapping[str, str | None]


class DotenvSecretSource:
    """Reads the dotenv file that LEDGER_GUARD_ENV_FILE or the policy names, else the process environment.

    Only the names that the policy lists are looked at, in any case of letters, as the platform reads them. No value is
    kept between calls or handed out; values of other environments are compared here and nowhere else.
    """

    def __init__(self, policy: Policy) -> None:
        self._secrets = policy.secrets

    def findings(self) -> list[SecretFinding]:
        """One finding for each secret of the policy, by provider.

        Raises:
            SourceUnavailable: a dotenv file is named and can't be read. Nothing is known then; absent would be a guess.
                Another environment's file that can't be read is named in the findings instead.
        """
        wanted = self._secrets
        key = os.environ.get(FINGERPRINT_KEY_VARIABLE, "").encode()
        values = _by_lower_name(self._environment())
        others, unread = self._other_environments()
        return [
            inspect_secret(
                provider,
                name,
                values.get(name.lower()),
                wanted.placeholders,
                wanted.minimum_characters,
                fingerprint_key=key,
                equal_in=[label for label, other in others.items() if other.has(name, values.get(name.lower()), key)],
                not_known=unread,
            )
            for provider, name in sorted(wanted.names.items())
        ]

    def _environment(self) -> Values:
        path = os.environ.get(ENV_FILE_VARIABLE) or self._secrets.env_file
        return _dotenv(path) if path else os.environ

    def _other_environments(self) -> tuple[dict[str, _Other], list[str]]:
        found, unread = {}, []
        for label, other in sorted(self._secrets.other_environments.items()):
            try:
                found[label] = _Other(other)
            except SourceUnavailable as error:
                unread.append(f"not compared with the environment {label}: {error}")
        return found, unread


class _Other:
    """Another environment's secrets, while one check lasts."""

    def __init__(self, named: OtherEnvironment) -> None:
        read = _by_lower_name(_dotenv(named.env_file)) if named.env_file else {}
        self._values = {value for value in read.values() if value}
        self._fingerprints = {name.lower(): given for name, given in named.fingerprints.items()}

    def has(self, name: str, value: str | None, key: bytes) -> bool:
        """Whether it holds this value, under whatever name, or its fingerprint, under the same one."""
        if not value:
            return False
        given = self._fingerprints.get(name.lower())
        return value in self._values or (given is not None and given == secret_fingerprint(name, value, key))


def _dotenv(path: str) -> Values:
    try:
        with open(path, encoding="utf-8") as lines:
            # without interpolation: the platform takes `$` in a value as it stands
            return dotenv_values(stream=lines, interpolate=False)
    except OSError as error:
        raise SourceUnavailable(f"secrets: the env file {path} can't be read ({error.strerror})") from error
    except UnicodeDecodeError:
        # the original error carries the file's bytes
        raise SourceUnavailable(f"secrets: the env file {path} is not UTF-8 text") from None


def _by_lower_name(values: Values) -> dict[str, str | None]:
    return {name.lower(): value for name, value in values.items()}
