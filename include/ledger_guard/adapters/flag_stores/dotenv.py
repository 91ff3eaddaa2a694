"""The flag store as the platform's dotenv file, which its instances read at their start only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ledger_guard.adapters.flag_stores.dotenv_lines import DotenvLines, Note
from ledger_guard.adapters.flag_stores.locked_file import LockedFile
from ledger_guard.adapters.flag_stores.restart import Restarter
from ledger_guard.adapters.flag_stores.scope_rules import content_version, require_global, require_unchanged
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.policy.flag_store import DotenvFile
from ledger_guard.ports.platform import Clock


class DotenvFlagStore:
    """FlagStore over one file; every scope but `*` is refused.

    A comment above the value tells who wrote it, why, and whether the restart is still to be done. It is written in the same
    step as the value, so a run that was killed or whose restart failed is found unfinished, and finished by running it again.
    """

    def __init__(self, settings: DotenvFile, env_names: Mapping[str, str], restarter: Restarter, wall_clock: Clock) -> None:
        self._path = settings.path
        self._file = LockedFile(settings.path, settings.lock_wait_seconds)
        self._env_names = env_names
        self._restarter = restarter
        self._wall_clock = wall_clock

    @property
    def per_tenant(self) -> bool:
        """Never: the platform reads these flags per process."""
        return False

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value that the file gives to everybody. Raises BadInputError for a tenant's scope."""
        require_global(tenant_id, "a dotenv file")
        return self._state(flag, self._lines(flag, self._file.read()))

    def effective(self, flag: str, tenant_id: str) -> bool | None:  # noqa: ARG002
        """What the file gives to everybody; None where it does not tell."""
        return self.get(flag, EVERYWHERE).is_enabled

    def scopes(self, flag: str) -> list[FlagState]:
        """The global value, when the file tells it."""
        found = self.get(flag, EVERYWHERE)
        return [] if found.is_enabled is None else [found]

    def lacks(self, flag: str) -> str:
        """Whether instances were not restarted since the guard wrote this value."""
        note = self._lines(flag, self._file.read()).note
        return "" if note is None or note.restart == "done" else f"a restart of the instances since {note.at}"

    def finish(self, flag: str) -> None:
        """Restart the instances if that is still to be done, and write down that it was."""
        if not self.lacks(flag):
            return
        with self._file.exclusively():
            self._restart(flag)

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write in one step, then restart the instances.

        Raises:
            SafetyRefusal: the file no longer holds what was seen; nothing was written.
            SourceUnavailable: the file can't be written, or it was written and the restart failed (`lacks` says so).
        """
        for state in seen:
            require_global(state.tenant_id, "a dotenv file")
        with self._file.exclusively():
            for state in seen:
                content = self._file.read()
                lines = self._lines(state.flag, content)
                require_unchanged([state], [self._state(state.flag, lines)])
                note = Note(lines.name, to_value, actor, self._wall_clock.now().isoformat(), reason, state.version, "pending")
                self._file.replace(content, lines.with_value(note, self._path))
            for state in seen:
                self._restart(state.flag)
        return [self.get(state.flag, EVERYWHERE) for state in seen]

    def _restart(self, flag: str) -> None:
        content = self._file.read()
        note = self._lines(flag, content).note
        if note is None or note.restart == "done":
            return
        try:
            self._restarter.restart(flag, is_enabled=note.is_enabled, change=f"{note.at} {note.reason}")
        except SourceUnavailable as error:
            raise SourceUnavailable(
                f"flag store {self._path}: {note.name} is written, but instances may still serve the old value: {error}; "
                "run it again, it restarts without asking again"
            ) from error
        content = self._file.read()
        lines = self._lines(flag, content)
        if lines.note == note:
            self._file.replace(content, lines.with_value(replace(note, restart="done"), self._path))

    def _lines(self, flag: str, content: bytes) -> DotenvLines:
        return DotenvLines.parse(content, self._env_names[flag], self._path)

    def _state(self, flag: str, lines: DotenvLines) -> FlagState:
        if not lines.value_line:
            return FlagState(flag, EVERYWHERE, None, not_known_because=lines.not_known_because)
        note = lines.note
        written = None if note is None else [note.by, note.at, note.reason, note.after]
        return FlagState(
            flag,
            EVERYWHERE,
            lines.is_enabled,
            content_version(lines.value_line, written),
            note.reason if note is not None else "",
            lines.not_known_because,
        )
