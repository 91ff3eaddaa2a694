"""Read by every Airflow process at its start, from the folder `config` of its home."""

from ledger_guard.entrypoints.airflow.preload import preload

__all__: list[str] = []

preload()
