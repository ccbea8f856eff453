"""What a verb worked out of one day, kept from night to night: one sealed artifact a day.

A kept day lies at `<root>/<verb>/<day>/<key>`. The key is a digest of all that the day depends on,
the verb's code included. So a kept day is either exactly right or not found: without it, or with
any part of it deleted, the verb works it out again and seals the same.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from secateur.artifacts import Artifact, Draft, create, open_artifact, read_manifest
from secateur.code_digest import code_digest
from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, CorruptArtifact
from secateur.contracts.manifest import MANIFEST, MadeBy
from secateur.storage import join, open_store

log = logging.getLogger("secateur")


@dataclass(frozen=True)
class KeptDays:
    """The days of one `verb` below the URI `root`, as artifacts of one `kind`.

    `inputs` gives the digests, by role, of all that a day depends on besides the code.
    """

    root: str
    verb: str
    kind: str
    inputs: Callable[[str], dict[str, str]]

    def find(self, day: str) -> Artifact | None:
        """The kept day; None where there is none, or where a byte of it is not right."""
        try:
            return open_artifact(self._uri(day), self.kind)
        except CorruptArtifact as error:
            log.warning("the %s of %s is corrupt and is made again: %s", self.kind, day, error)
        except ArtifactError:
            pass  # never made, or not to the end
        return None

    def keep(self, day: str, write: Callable[[Draft], None]) -> Artifact:
        """Seal what `write` puts into the day's draft."""
        made_by = MadeBy(self.verb, code_digest(self.verb))
        with create(self._uri(day), self.kind) as draft:
            write(draft)
            draft.seal(made_by, self.made_from(day), {"day": day})
        return open_artifact(self._uri(day), self.kind)

    def made_from(self, day: str) -> dict[str, str]:
        """The digests, by role, of all that a day depends on: the code's among them."""
        return self.inputs(day) | {"code": code_digest(self.verb)}

    def earlier(self, day: str) -> Iterator[dict[str, str]]:
        """What each version of the day that is kept was made from."""
        folder = join(self.root, self.verb, day)
        for key in open_store(folder).keys():  # noqa: SIM118 - a store is no dictionary
            version, _, name = key.partition("/")
            if name == MANIFEST:
                with suppress(ArtifactError):  # a damaged one is found when it is wanted
                    yield read_manifest(join(folder, version)).made_from

    def _uri(self, day: str) -> str:
        return join(self.root, self.verb, day, record.digest(self.made_from(day)))
