"""A day cleaned once is kept: one sealed `EventDay` a day.

An EventDay lies at `<state>/clean_events/<day>/<key>`, where the key is a digest of all that it
depends on: the raw files of the day and of those that it may repeat, the rules, the id key and the
code. So a kept day is either exactly right or not found; without any, the same events come out. A
flat log has no files of a day's own: it is cleaned as a whole every night, and nothing is kept.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from secateur import identity
from secateur.artifacts import Artifact, create, open_artifact
from secateur.command import code_digest
from secateur.contracts import record
from secateur.contracts.data import DayCounts
from secateur.contracts.errors import ArtifactError, CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.events.cleaning import Rules
from secateur.events.window import RawLog
from secateur.spark import place
from secateur.storage import join

KIND, VERB = "EventDay", "clean_events"
EVENTS, QUARANTINE = "events", "quarantine"
_OF_THE_WINDOW = {"uri", "first_day", "last_day", "window_days", "closed"}

log = logging.getLogger("secateur")


@dataclass(frozen=True)
class DayStore:
    """The EventDays at the URI `root`, of one log under one set of rules."""

    root: str
    raw: RawLog
    rules: Rules
    key: bytes
    code: str = field(default_factory=code_digest)

    def find(self, day: str) -> Artifact | None:
        """The kept day; None where there is none, or a byte of it is not right."""
        if self.rules.logs.layout == "flat":
            return None
        try:
            return open_artifact(self._uri(day), KIND)
        except CorruptArtifact as error:
            log.warning("the events of %s are corrupt and cleaned again: %s", day, error)
        except ArtifactError:
            pass  # never cleaned, or not to the end
        return None

    def keep(self, day: str, files: Mapping[str, Path | None], counts: DayCounts) -> Artifact:
        """Seal a day's written files, None where it has no row, and its counts."""
        with create(self._uri(day), KIND) as draft:
            for name, file in files.items():
                if file is not None:
                    place(file, draft.folder / name)
            draft.write("counts.json", counts)
            draft.seal(MadeBy(VERB, self.code), self._made_from(day), {"day": day})
        return open_artifact(self._uri(day), KIND)

    def _uri(self, day: str) -> str:
        return join(self.root, VERB, day, record.digest(self._made_from(day)))

    def _made_from(self, day: str) -> dict[str, str]:
        """Digests of all that a day's events depend on, by role."""
        days = earlier(day, self.rules.cleaning.late_days)
        flat = self.rules.logs.layout == "flat"
        files = {f.key: f.sha256 for f in self.raw.events if flat or f.day in days}
        sections = {
            "logs": self.rules.logs.model_dump(mode="json", exclude=_OF_THE_WINDOW | {"sides"}),
            "label": self.rules.label.model_dump(mode="json"),
            "cleaning": self.rules.cleaning.model_dump(mode="json"),
        }
        digests = {"rules": record.digest(sections), "code": self.code}
        return files | digests | {"id_key": identity.fingerprint(self.key)}


def earlier(day: str, late_days: int) -> Sequence[str]:
    """The day and those before it whose rows it may repeat."""
    last = date.fromisoformat(day)
    return [str(last - timedelta(days=back)) for back in range(late_days + 1)]
