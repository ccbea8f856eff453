"""Everything that can go wrong, as one small tree, each with the exit code of its process.

    SecateurError              1   crashed: the same command may succeed later; Airflow retries
    ├── ArtifactError          1   an artifact is absent, unsealed, or not the one demanded
    │   ├── CorruptArtifact    1   a byte differs from what its manifest promises
    │   └── NewerFormat        1   a later version wrote what this one does not know
    ├── StoreError             1   object storage did not do what was asked
    │   ├── PreconditionFailed 1   another writer was first (HTTP 412)
    │   └── ObjectMissing      1   nothing lies under that key
    ├── ReleaseError           1   a release or a channel cannot be trusted or found
    │   └── SignatureInvalid   1   signed by nobody we know, or altered since
    ├── UsageError            64   asked wrongly: a flag, a key, an environment variable; no retry
    │   └── ScenarioError     64   a mistake in a scenario file
    ├── NotDelivered          75   the log has no such day yet; Airflow skips the night
    ├── NothingNew            80   what the run would make is served already; Airflow skips it
    ├── FenceHeld             85   another night works on the same state; Airflow looks again later
    └── Refused               65   examined and rejected, the evidence is sealed; no retry
        ├── QuarantineExceeded 65  too many rows of the log were unusable
        ├── ValidationRefused  65  the data broke a declared expectation
        ├── SkewRefused        65  a package scores otherwise than its model
        ├── GateRefused        65  no candidate is small and good enough
        └── StoreRefused       65  the store does not enforce what a safe release needs

A message says what failed, how much of it, and where the evidence lies. `TaskFailure` is what a
night keeps of it.
"""

from dataclasses import dataclass

CRASHED = 1
USAGE = 64
REFUSED = 65
NOT_YET = 75
NOTHING_NEW = 80
FENCED = 85
FAILURES = "failures"  # the folder below a run with the failures of its tasks


class SecateurError(Exception):
    """Root of every error raised on purpose."""

    exit_code = CRASHED


class ArtifactError(SecateurError):
    """An artifact is absent, unsealed, or not the one demanded."""


class CorruptArtifact(ArtifactError):
    """A file differs from what its manifest promises."""


class NewerFormat(ArtifactError):
    """A later version wrote this, with something that this one does not know: update it."""


class StoreError(SecateurError):
    """Object storage did not do what was asked."""


class ScratchFull(SecateurError):
    """A disk has no room for what does not fit into memory."""


class PreconditionFailed(StoreError):
    """A conditional write lost: another writer was first."""


class ObjectMissing(StoreError):
    """Nothing lies under that key."""


class ReleaseError(SecateurError):
    """A release or a channel cannot be trusted or found."""


class SignatureInvalid(ReleaseError):
    """The signature is not by a key we trust, or the bytes changed since."""


class UsageError(SecateurError):
    """Asked wrongly; repeating the same command cannot help."""

    exit_code = USAGE


class ScenarioError(UsageError):
    """A scenario file holds a mistake."""


class NotDelivered(SecateurError):
    """The log does not hold the day that a run's date asks for."""

    exit_code = NOT_YET


class NothingNew(SecateurError):
    """The same files, scenario and code already made a release that the channel has served."""

    exit_code = NOTHING_NEW


class FenceHeld(SecateurError):
    """Another night of the scenario works on the state that they share."""

    exit_code = FENCED


class Refused(SecateurError):
    """Examined and rejected; the evidence is sealed."""

    exit_code = REFUSED


class QuarantineExceeded(Refused):
    """More rows were unusable than the scenario's budget allows."""


class ValidationRefused(Refused):
    """The data broke a declared expectation."""


class SkewRefused(Refused):
    """A package scores held-out rows otherwise than the model that it was made of."""


class GateRefused(Refused):
    """No candidate passed the gate."""


class StoreRefused(Refused):
    """The store does not enforce what a safe release needs."""


@dataclass(frozen=True)
class TaskFailure:
    """One failed task: of which candidate, at which try, how, and what it said.

    `kind` is refused, asked wrongly, crashed, timed out, skipped or ended by hand; `attempt` is 0
    where none is known. No artifact: it is not sealed, and is
    gone once the task is tried again.
    """

    task: str
    candidate: str | None
    attempt: int
    kind: str
    message: str
    log_url: str | None

    @property
    def name(self) -> str:
        """The task, with its candidate where it is one of many."""
        return f"{self.task}[{self.candidate}]" if self.candidate else self.task
