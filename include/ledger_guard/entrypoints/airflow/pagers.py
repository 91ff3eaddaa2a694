"""Clients of pager services, through the hooks of Airflow's providers. Airflow and a provider load when somebody is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ledger_guard.domain.errors import PagingFailed

#: of one request; the caller bounds the whole
REQUEST_SECONDS = 10


def pagerduty_events(conn_id: str) -> Callable[..., Any]:
    """Sends events with the integration key of an Airflow connection."""

    def send(**event: Any) -> Any:
        from airflow.providers.pagerduty.hooks.pagerduty_events import PagerdutyEventsHook  # noqa: PLC0415

        return _hook(conn_id, lambda: PagerdutyEventsHook(pagerduty_events_conn_id=conn_id)).send_event(**event)

    return send


class OpsgenieAlerts:
    """Alerts with the API key of an Airflow connection, on its host if it names one."""

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id

    def create(self, payload: dict[str, Any]) -> Any:
        """Open an alert."""
        from opsgenie_sdk import CreateAlertPayload  # noqa: PLC0415

        return self._api.create_alert(CreateAlertPayload(**payload), _request_timeout=REQUEST_SECONDS)

    def acknowledge(self, alias: str, user: str) -> Any:
        """Acknowledge it."""
        from opsgenie_sdk import AcknowledgeAlertPayload  # noqa: PLC0415

        payload = AcknowledgeAlertPayload(user=user, source="ledger_guard")
        return self._api.acknowledge_alert(
            alias, identifier_type="alias", acknowledge_alert_payload=payload, _request_timeout=REQUEST_SECONDS
        )

    def close(self, alias: str, note: str) -> Any:
        """Close it."""
        from opsgenie_sdk import CloseAlertPayload  # noqa: PLC0415

        payload = CloseAlertPayload(note=note, source="ledger_guard")
        return self._api.close_alert(
            alias, identifier_type="alias", close_alert_payload=payload, _request_timeout=REQUEST_SECONDS
        )

    @property
    def _api(self) -> Any:
        from airflow.providers.opsgenie.hooks.opsgenie import OpsgenieAlertHook  # noqa: PLC0415

        return _hook(self._conn_id, lambda: OpsgenieAlertHook(self._conn_id)).get_conn()


def smtp_mail(conn_id: str) -> Callable[[Sequence[str], str, str], Any]:
    """Sends mail through the server and from the address of an Airflow connection."""

    def send(to: Sequence[str], subject: str, body: str) -> Any:
        from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415

        with _hook(conn_id, lambda: SmtpHook(smtp_conn_id=conn_id)) as server:
            return server.send_email_smtp(to=list(to), subject=subject, html_content=body)

    return send


def apprise_message(conn_id: str) -> Callable[[str, str], bool]:
    """Delivers through the Apprise address that an Airflow connection has as password."""

    def deliver(title: str, body: str) -> bool:
        from apprise import Apprise, NotifyFormat  # noqa: PLC0415

        from ledger_guard.connections import password_of  # noqa: PLC0415

        service = Apprise()
        if not service.add(password_of(conn_id) or ""):
            raise PagingFailed(
                f"connection {conn_id}: its password is no address of Apprise; allowed: such as tgram://…, msteams://…"
            )
        return bool(service.notify(title=title, body=body, body_format=NotifyFormat.TEXT))

    return deliver


def _hook(conn_id: str, make: Callable[[], Any]) -> Any:
    from airflow.exceptions import AirflowException  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowRuntimeError  # noqa: PLC0415

    try:
        return make()
    except (AirflowException, AirflowRuntimeError, ValueError) as error:
        raise PagingFailed(f"the Airflow connection {conn_id} is missing or unusable ({type(error).__name__})") from None
