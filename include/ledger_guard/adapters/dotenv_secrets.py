"""The platform's webhook secrets as its environment holds them: looked at, judged, forgotten."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.secrets import SecretFinding, inspect_secret
from ledger_guard.policy.schema import Policy

#: a dotenv file that wins over the policy's own
ENV_FILE_VARIABLE = "LEDGER_GUARD_ENV_FILE"


class DotenvSecretSource:
    """Reads the dotenv file that LEDGER_GUARD_ENV_FILE or the policy names, else the process environment.

    Only the names that the policy lists are looked at, in any case of letters, as the platform reads them. No value is
    kept between calls or handed out.
    """

    def __init__(self, policy: Policy) -> None:
        self._secrets = policy.secrets

    def findings(self) -> list[SecretFinding]:
        """One finding for each secret of the policy, by provider.

        Raises:
            SourceUnavailable: a dotenv file is named and can't be read. Nothing is known then; absent would be a guess.
        """
        wanted = self._secrets
        values = {name.lower(): value for name, value in self._environment().items()}
        return [
            inspect_secret(provider, name, values.get(name.lower()), wanted.placeholders, wanted.minimum_characters)
            for provider, name in sorted(wanted.names.items())
        ]

    def _environment(self) -> Mapping[str, str | None]:
        path = os.environ.get(ENV_FILE_VARIABLE) or self._secrets.env_file
        if not path:
            return os.environ
        try:
            with open(path, encoding="utf-8") as lines:
                # without interpolation: the platform takes `$` in a value as it stands
                return dotenv_values(stream=lines, interpolate=False)
        except OSError as error:
            raise SourceUnavailable(f"secrets: the env file {path} can't be read ({error.strerror})") from error
        except UnicodeDecodeError:
            # the original error carries the file's bytes
            raise SourceUnavailable(f"secrets: the env file {path} is not UTF-8 text") from None
