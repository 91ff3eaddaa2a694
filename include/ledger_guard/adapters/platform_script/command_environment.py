"""The environment that the platform's script gets: DATABASE_URL, what the policy names, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from ledger_guard.adapters.postgres.connection import ConnectionSettings, split_uri
from ledger_guard.adapters.secrets.secret_mask import SecretMask, password_in
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.policy.command_runner import DATABASE_URL, CommandRunner

#: the platform's DEBUG is on unless something says otherwise, and then prints every statement with player ids
_ALWAYS = {"DEBUG": "false", "PYTHONUNBUFFERED": "1"}
#: what a URL made from a connection can carry; `connect_timeout` is left to the script
_CARRIED = {"host", "port", "user", "password", "dbname", "sslmode", "connect_timeout"}


def command_environment(
    settings: CommandRunner, platform: ConnectionSettings, own: Mapping[str, str], tenant_id: str = ""
) -> tuple[dict[str, str], SecretMask]:
    """Variables for the script, and the mask that takes every value among them out of its output; the tenant's name stays.

    Raises:
        SafetyRefusal: DATABASE_URL is missing, is no Postgres URL, or names another database than the platform connection:
            the script would write somewhere that the guard does not look at.
    """
    url = _from_connection(settings, platform) if settings.database_url_from == "connection" else _from_own(platform, own)
    passed = {name: own[name] for name in settings.environment if name in own}
    passwords = [password_in(url), *filter(None, map(_password_or_nothing, passed.values()))]
    mask = SecretMask([url, *passed.values()], passwords, [tenant_id])
    return {**_ALWAYS, **passed, DATABASE_URL: url}, mask


def _from_own(platform: ConnectionSettings, own: Mapping[str, str]) -> str:
    url = own.get(DATABASE_URL, "").strip()
    allowed = "a postgresql:// URL of the platform's database, or database_url_from: connection"
    if not url:
        raise SafetyRefusal(f"{DATABASE_URL}: is not set, and the script would use its own file; allowed: {allowed}")
    try:
        parts = split_uri(url, DATABASE_URL)
    except BadInputError as error:
        raise SafetyRefusal(str(error)) from error
    if parts.scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise SafetyRefusal(f"{DATABASE_URL}: has scheme {parts.scheme!r}; allowed: {allowed}")
    expected = dict(platform.parameters)["dbname"]
    redirects = {name for name, _ in parse_qsl(parts.query)} & {"dbname", "database"}
    if parts.path.lstrip("/") != quote(expected) or redirects:
        raise SafetyRefusal(f"{DATABASE_URL}: does not name database {expected}, which the guard compares; allowed: {allowed}")
    return url


def _from_connection(settings: CommandRunner, platform: ConnectionSettings) -> str:
    found = dict(platform.parameters)
    beyond = sorted(found.keys() - _CARRIED)
    if beyond:
        raise SafetyRefusal(
            f"{DATABASE_URL}: can't be made from the platform connection, which has {', '.join(beyond)}; allowed: "
            "database_url_from: environment, with the variable set"
        )
    login = quote(found.get("user", ""), safe="")
    if "password" in found:
        login += f":{quote(found['password'], safe='')}"
    host, query = found.get("host", ""), {}
    if host.startswith("/"):
        host, query = "", {"host": host}
    if "sslmode" in found:
        query["ssl" if "asyncpg" in settings.database_url_scheme else "sslmode"] = found["sslmode"]
    port = f":{found['port']}" if "port" in found else ""
    at = f"{login}@" if login else ""
    asked = f"?{urlencode(query)}" if query else ""
    return f"{settings.database_url_scheme}://{at}{host}{port}/{quote(found['dbname'], safe='')}{asked}"


def _password_or_nothing(value: str) -> str:
    return password_in(value) if "://" in value else ""
