"""The artifacts of a night, read for its report: one that is missing is no error.

Only their small JSON files are read, each checked against its manifest; no data, no weights. An
artifact that cannot be trusted is treated as missing, and the reason is kept.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic

from secateur import storage
from secateur.contracts import artifact_files, record
from secateur.contracts.candidates import CandidatePlan
from secateur.contracts.data import CleaningCounts, LateDays, RunWindow, ValidationReport
from secateur.contracts.errors import (
    FAILURES,
    ArtifactError,
    CorruptArtifact,
    ObjectMissing,
    TaskFailure,
)
from secateur.contracts.features import FeatureSchema
from secateur.contracts.judgement import Refusal, Scorecard, Verdict
from secateur.contracts.manifest import MANIFEST, Manifest
from secateur.contracts.models import Baselines, ModelSpec, TrainingCurve
from secateur.contracts.pruning import Overlap
from secateur.contracts.record import Noun
from secateur.contracts.releases import PublishReceipt
from secateur.contracts.search import SearchRecord

STAGES = (
    "window",
    "events",
    "events_report",
    "features",
    "features_report",
    "dense",
    "plan",
    "candidates",
    "scorecards",
    "verdict",
    "release",
    "accepted",
)
BESIDE_MODELS = ("snapshot", "snapshot_release")
TARGETS = "targets"  # the folder below a run where each target of the search has one of its own


@dataclass(frozen=True)
class Part(Generic[Noun]):
    """One noun out of a sealed artifact, with the artifact's path in the run and its digest."""

    value: Noun
    path: str
    digest: str

    @property
    def source(self) -> str:
        """The artifact's path in the run, and the beginning of its digest."""
        return f"{self.path} {self.digest[:10]}"


@dataclass(frozen=True)
class TargetResult:
    """What was decided for one target of the search, and its release if there is one."""

    verdict: Part[Verdict]
    release: Part[PublishReceipt] | None


@dataclass(frozen=True)
class Night:
    """What one run sealed; None, or absent from a dictionary, where nothing was.

    `artifacts` has the manifest of each sealed folder by its path; `unreadable` has the reason for
    each that cannot be trusted. `failures` has the tasks that failed for good.
    """

    artifacts: dict[str, Manifest]
    unreadable: dict[str, str]
    recipes: tuple[str, ...]
    events: Part[CleaningCounts] | None
    events_report: Part[ValidationReport] | None
    schema: Part[FeatureSchema] | None
    features_report: Part[ValidationReport] | None
    dense: Part[ModelSpec] | None
    curve: Part[TrainingCurve] | None
    plan: Part[CandidatePlan] | None
    scorecards: dict[str, Part[Scorecard]]
    verdict: Part[Verdict] | None
    release: Part[PublishReceipt] | None
    search: Part[SearchRecord] | None = None
    targets: dict[str, TargetResult] = field(default_factory=dict)
    overlaps: dict[str, Overlap] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    failures: tuple[TaskFailure, ...] = ()
    baselines: Part[Baselines] | None = None
    window: Part[RunWindow] | None = None
    snapshot: Part[PublishReceipt] | None = None
    late: Part[LateDays] | None = None


def read_night(uri: str) -> Night:
    """Read what lies sealed below the run folder `uri`."""
    run = _Run(storage.open_store(uri))
    plan = run.part("plan", artifact_files.PLAN, CandidatePlan)
    recipes = tuple(r.name for r in plan.value.recipes) if plan else run.candidates()
    cards = {
        name: run.part(f"scorecards/{name}", artifact_files.SCORECARD, Scorecard)
        for name in recipes
    }
    return Night(
        artifacts=run.artifacts,
        unreadable=run.unreadable,
        recipes=recipes,
        events=run.part("events", artifact_files.COUNTS, CleaningCounts),
        events_report=run.part("events_report", artifact_files.REPORT, ValidationReport),
        schema=run.part("features", artifact_files.SCHEMA, FeatureSchema),
        features_report=run.part("features_report", artifact_files.REPORT, ValidationReport),
        dense=run.part("dense", artifact_files.MODEL, ModelSpec),
        curve=run.part("dense", artifact_files.CURVE, TrainingCurve),
        plan=plan,
        scorecards={name: card for name, card in cards.items() if card},
        verdict=run.part("verdict", artifact_files.VERDICT, Verdict),
        release=run.part("release", artifact_files.RECEIPT, PublishReceipt),
        search=run.optional_part("plan", artifact_files.SEARCH, SearchRecord),
        overlaps=dict(_overlaps(run, recipes)),
        refusals=dict(_refusals(run, recipes)),
        targets=dict(_targets(run)),
        failures=tuple(_failures(run)),
        baselines=run.optional_part("dense", artifact_files.BASELINES, Baselines),
        window=run.part("window", artifact_files.WINDOW, RunWindow),
        late=run.part("events/late", artifact_files.LATE, LateDays),
        snapshot=run.optional_part("snapshot_release", artifact_files.RECEIPT, PublishReceipt),
    )


def _targets(run: "_Run") -> Iterator[tuple[str, TargetResult]]:
    """The targets of the search that have a verdict, by name."""
    paths = [path for path in sorted(run.artifacts) if path.startswith(f"{TARGETS}/")]
    for name in dict.fromkeys(path.split("/")[1] for path in paths):
        verdict = run.part(f"{TARGETS}/{name}/verdict", artifact_files.VERDICT, Verdict)
        release = run.part(f"{TARGETS}/{name}/release", artifact_files.RECEIPT, PublishReceipt)
        if verdict:
            yield name, TargetResult(verdict, release)


def _failures(run: "_Run") -> Iterator[TaskFailure]:
    for key in sorted(run.store.keys(f"{FAILURES}/")):
        try:
            yield record.from_json(TaskFailure, run.store.get(key).data)
        except (ArtifactError, ObjectMissing) as error:
            run.unreadable[key] = str(error)


def _overlaps(run: "_Run", recipes: tuple[str, ...]) -> Iterator[tuple[str, Overlap]]:
    for name in recipes:
        part = run.optional_part(f"candidates/{name}/bundle", artifact_files.OVERLAP, Overlap)
        if part:
            yield name, part.value


def _refusals(run: "_Run", recipes: tuple[str, ...]) -> Iterator[tuple[str, Refusal]]:
    for name in recipes:
        part = run.part(f"candidates/{name}/refusal", artifact_files.REFUSAL, Refusal)
        if part and f"candidates/{name}/package" not in run.artifacts:
            yield name, part.value


class _Run:
    """A run's folder: all manifests are read at once, files when they are asked for."""

    def __init__(self, store: storage.Store) -> None:
        self.store = store
        self.artifacts: dict[str, Manifest] = {}
        self.unreadable: dict[str, str] = {}
        for entry in store.entries():
            path, _, name = entry.key.rpartition("/")
            if name == MANIFEST and path.split("/")[0] in (*STAGES, *BESIDE_MODELS, TARGETS):
                try:
                    data = self.store.get(entry.key).data
                    self.artifacts[path] = record.from_json(Manifest, data)
                except (ArtifactError, ObjectMissing) as error:
                    self.unreadable[path] = str(error)

    def part(self, path: str, name: str, noun: type[Noun]) -> Part[Noun] | None:
        """Read one file of one artifact; None when it is not there or cannot be trusted."""
        manifest = self.artifacts.get(path)
        if manifest is None:
            return None
        try:
            expected = {entry.path: entry.sha256 for entry in manifest.files}
            data = self.store.get(f"{path}/{name}").data
            if hashlib.sha256(data).hexdigest() != expected.get(name):
                raise CorruptArtifact(f"{path}/{name} differs from its manifest")
            return Part(record.from_json(noun, data), path, manifest.digest)
        except (ArtifactError, ObjectMissing) as error:
            self.unreadable[path] = str(error)
            return None

    def optional_part(self, path: str, name: str, noun: type[Noun]) -> Part[Noun] | None:
        """The same, of a file that its artifact need not hold."""
        manifest = self.artifacts.get(path)
        known = {entry.path for entry in manifest.files} if manifest else set()
        return self.part(path, name, noun) if name in known else None

    def candidates(self) -> tuple[str, ...]:
        """The candidates by their folders, for a night whose plan is missing."""
        parts = (path.split("/") for path in self.artifacts)
        found = {p[1] for p in parts if p[0] in ("candidates", "scorecards")}
        return tuple(sorted(found - {"dense"}))
