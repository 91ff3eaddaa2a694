"""The platform's webhook secrets as its environment holds them: looked at, judged, forgotten."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger_guard.adapters.secrets.dotenv_assignments import Assignment, assigned, by_lower_name, parsed
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.secrets import SecretFinding, inspect_secret, secret_fingerprint
from ledger_guard.policy.platform import OtherEnvironment
from ledger_guard.policy.schema import Policy

#: a dotenv file that wins over the policy's own
ENV_FILE_VARIABLE = "LEDGER_GUARD_ENV_FILE"
#: makes fingerprints worth nothing to whoever does not have it
FINGERPRINT_KEY_VARIABLE = "LEDGER_GUARD_FINGERPRINT_KEY"


@dataclass(frozen=True)
class _Values:
    """The values of one environment, by name in small letters, while one check lasts."""

    by_name: Mapping[str, Assignment]
    #: how many lines give a name something
    lines: Mapping[str, int] = field(default_factory=dict)
    #: lines that the platform skips because they can't be read
    unreadable: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """The value; None when it is not set, or not known."""
        found = self.by_name.get(name.lower())
        return None if found is None or self.is_open(name) else found.value

    def names_from_outside(self, name: str) -> tuple[str, ...]:
        """Names in the value that no line of the file above gives."""
        found = self.by_name.get(name.lower())
        return () if found is None else found.names_from_outside

    def is_open(self, name: str) -> bool:
        """Whether the value depends on a name that neither the file nor the guard's own environment has."""
        return any(outside not in os.environ for outside in self.names_from_outside(name))


class DotenvSecretSource:
    """Reads the dotenv file that LEDGER_GUARD_ENV_FILE or the policy names, else the process environment.

    Only the names that the policy lists are looked at, in any case of letters and with `${NAME}` put in, as the platform
    reads them. No value is kept between calls or handed out, but for signing a canary; values of other environments are
    compared here and nowhere else.
    """

    def __init__(self, policy: Policy) -> None:
        self._secrets = policy.secrets

    def findings(self) -> list[SecretFinding]:
        """One finding for each secret of the policy, by provider.

        Raises:
            SourceUnavailable: a dotenv file is named and can't be read, or no source is configured. Nothing is known then; absent
                would be a guess. Another environment's file that can't be read is named in the findings instead.
        """
        self._require_source()
        key = os.environ.get(FINGERPRINT_KEY_VARIABLE, "").encode()
        values = self._environment()
        others, unread = self._other_environments()
        return [
            self._finding(provider, name, values, others, unread, key) for provider, name in sorted(self._secrets.names.items())
        ]

    def _require_source(self) -> None:
        """The guard's own environment counts as a source when it has one of the names: else nobody gave it the platform's."""
        names = self._secrets.names.values()
        if self._file or not names or any(self._environment().get(name) is not None for name in names):
            return
        raise SourceUnavailable(
            f"secrets: no source configured: neither {ENV_FILE_VARIABLE} nor the policy's secrets.env_file names a file, and the "
            "guard's own environment has none of the secrets; allowed: one of them"
        )

    @property
    def _file(self) -> str | None:
        return os.environ.get(ENV_FILE_VARIABLE) or self._secrets.env_file

    def signing_secret(self, name: str) -> str | None:
        """The value with which a canary signs like the provider; for nothing else, and never shown.

        Where the dotenv file has no such name, a variable of the guard's own counts: a canary may have a secret to itself.
        None when there is neither. Raises SourceUnavailable as `findings` does.
        """
        return self._environment().get(name) or os.environ.get(name)

    def _finding(
        self, provider: str, name: str, values: _Values, others: Mapping[str, _Other], unread: Sequence[str], key: bytes
    ) -> SecretFinding:
        not_known = [*unread, *_from_outside(name, values), *(words for other in others.values() for words in other.not_known)]
        if values.is_open(name):
            problems = tuple(_faults_of_lines(name, values))
            return SecretFinding(provider, name, True, None, problems, tuple(not_known), is_value_known=False)
        value = values.get(name)
        return inspect_secret(
            provider,
            name,
            value,
            self._secrets.placeholders,
            self._secrets.minimum_characters,
            fingerprint_key=key,
            equal_in=[label for label, other in others.items() if other.has(name, value, key)],
            noticed=[*_faults_of_lines(name, values), *self._shared(name, values)],
            not_known=not_known,
        )

    def _shared(self, name: str, values: _Values) -> Iterator[str]:
        value = values.get(name)
        for other in sorted(self._secrets.names.values()):
            if value and other.lower() != name.lower() and values.get(other) == value:
                yield f"is the same as {other}: one value under two names, most likely in the wrong place"

    def _environment(self) -> _Values:
        if self._file:
            return _of_file(self._file)
        return _Values({name.lower(): Assignment(name, value) for name, value in os.environ.items()})

    def _other_environments(self) -> tuple[dict[str, _Other], list[str]]:
        found, unread = {}, []
        for label, other in sorted(self._secrets.other_environments.items()):
            try:
                found[label] = _Other(label, other, list(self._secrets.names.values()))
            except SourceUnavailable as error:
                unread.append(f"not compared with the environment {label}: {error}")
        return found, unread


class _Other:
    """Another environment's secrets, while one check lasts."""

    def __init__(self, label: str, named: OtherEnvironment, names: Sequence[str]) -> None:
        read = _of_file(named.env_file) if named.env_file else _Values({})
        # the guard's own environment says nothing about that of another one's processes
        self._values = {line.value for line in read.by_name.values() if line.value and not line.names_from_outside}
        self._fingerprints = {name.lower(): given for name, given in named.fingerprints.items()}
        open_names = [name for name in sorted(names) if read.names_from_outside(name)]
        #: sentences about what could not be compared
        self.not_known = [
            f"not compared with {name} of the environment {label}: its processes' own environment decides" for name in open_names
        ]

    def has(self, name: str, value: str | None, key: bytes) -> bool:
        """Whether it holds this value, under whatever name, or its fingerprint, under the same one."""
        if not value:
            return False
        given = self._fingerprints.get(name.lower())
        return value in self._values or (given is not None and given == secret_fingerprint(name, value, key))


def _faults_of_lines(name: str, values: _Values) -> Iterator[str]:
    """What is wrong with the lines of a secret, whatever they hold."""
    lines = values.lines.get(name.lower(), 0)
    if lines > 1:
        yield f"is set {lines} times in the file, but only one counts: keep one"
    if not lines and any(name.lower() in line for line in values.unreadable):
        yield "is not set: a line with its name can't be read (an unclosed quote), and the platform skips it"


def _from_outside(name: str, values: _Values) -> Iterator[str]:
    outside = values.names_from_outside(name)
    if not outside:
        return
    names = ", ".join(f"${{{each}}}" for each in outside)
    if values.is_open(name):
        yield f"it uses {names}, which no line above sets but the platform's processes may have"
    else:
        yield f"it uses {names} of the process environment: judged by the guard's own environment"


def _of_file(path: str) -> _Values:
    try:
        # line ends become "\n", as the platform opens it
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SourceUnavailable(f"secrets: the env file {path} can't be read ({error.strerror})") from error
    except UnicodeDecodeError:
        # the original error carries the file's bytes
        raise SourceUnavailable(f"secrets: the env file {path} is not UTF-8 text") from None
    bindings = parsed(text)
    found = [assignment for assignment in assigned(bindings, os.environ) if assignment is not None]
    return _Values(
        by_lower_name(found),
        Counter(assignment.name.lower() for assignment in found),
        tuple(binding.original.string.lower() for binding in bindings if binding.error),
    )
