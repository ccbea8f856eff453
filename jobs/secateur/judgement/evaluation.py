"""One package beside the dense one: all that is measured, put together as a scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts import artifact_files
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import ArtifactError, GateRefused
from secateur.contracts.features import HELD_OUT, FeatureSchema
from secateur.contracts.judgement import BATCHES, Footprint, Scorecard
from secateur.judgement.compared_accuracy import ScoredSplit, compare_accuracy
from secateur.judgement.holdout_ledger import digest_of_days
from secateur.judgement.membership import Attacks, attack, find_suspects
from secateur.judgement.scoring.client_scoring import (
    ClientScorer,
    count_broken,
    read_rows,
    request,
    score_all,
    score_tasks,
)
from secateur.judgement.scoring.latency import measure_latency
from secateur.judgement.scoring.machine_load import watch_load
from secateur.judgement.scoring.resident_memory import Load, resident_bytes
from secateur.serving.files.layout import RECIPE


@dataclass(frozen=True)
class Pair:
    """A package and the dense one that it is measured against."""

    package: Artifact
    dense: Artifact

    @property
    def folders(self) -> list[Path]:
        """Where the files lie: dense first."""
        return [self.dense.folder, self.package.folder]

    def demand_common_origin(self, features: Artifact) -> None:
        """Insist on one dense bundle and on these features. Raises ArtifactError."""
        wanted = {"dense": self.dense.manifest.made_from["dense"], "features": features.digest}
        for package in (self.dense, self.package):
            for role, digest in wanted.items():
                found = package.manifest.made_from[role]
                if found != digest:
                    raise ArtifactError(
                        f"{package.uri} was made from {role} {found[:12]}, not {digest[:12]}"
                    )


def evaluate(
    pair: Pair, features: Artifact, load: Load, seed: int, holdout_days: int
) -> tuple[Scorecard, Sequence[ScoredSplit]]:
    """Measure all that a scorecard holds; `load` is the client's, importable by name.

    Of the train days the last `holdout_days` were held out of training.
    """
    pair.demand_common_origin(features)
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    rows = {split: read_rows(features.folder / split, schema) for split in HELD_OUT}
    for split, of_split in rows.items():
        if not len(of_split):
            raise GateRefused(f"the {split} days of {features.uri} have no row to judge by")
    dense, candidate = scorers = [load(folder) for folder in pair.folders]
    scored = [
        ScoredSplit(
            split=split,
            rows=r,
            dense=score_all(dense, r),
            candidate=score_all(candidate, r),
            dense_tasks=score_tasks(dense, r),
            candidate_tasks=score_tasks(candidate, r),
        )
        for split, r in rows.items()
    ]
    for one in scored:
        for scores in (one.dense, *one.dense_tasks.values()):
            demand_numbers(pair.dense, one.split, scores)
        for scores in (one.candidate, *one.candidate_tasks.values()):
            demand_numbers(pair.package, one.split, scores)
    compared = compare_accuracy(scored, seed)
    dense_privacy, privacy = attacks(features, scorers, scored[0], holdout_days, seed)
    with watch_load() as machine:
        dense_latency, latency = measure_latency(scorers, rows["tune"])
    resident = resident_bytes(load, pair.folders, request(rows["tune"], 0, max(BATCHES)))
    scorecard = Scorecard(
        recipe=pair.package.read(RECIPE, Recipe).name,
        package=pair.package.digest,
        dense_package=pair.dense.digest,
        accuracy=compared.accuracy,
        dense_accuracy=compared.dense_accuracy,
        differences=compared.differences,
        footprint=footprint(pair.package, pair.dense, resident[1]),
        dense_footprint=footprint(pair.dense, pair.dense, resident[0]),
        latency=latency,
        dense_latency=dense_latency,
        dense_levels=compared.dense_levels,
        controls=compared.controls,
        last_day=max(r.last_day for r in rows.values()),
        load=machine.of_others,
        privacy=privacy,
        dense_privacy=dense_privacy,
        days=digest_of_days(rows.values()),
    )
    return scorecard, scored


def attacks(
    features: Artifact,
    scorers: Sequence[ClientScorer],
    tune: ScoredSplit,
    holdout_days: int,
    seed: int,
) -> tuple[Attacks, Attacks]:
    """What the dense model's and the candidate's scores give away of the rows of training."""
    suspects = find_suspects(features, tune.rows, holdout_days, seed)
    if suspects is None:
        return {}, {}
    dense, candidate = scorers
    of_dense = attack(suspects, suspects.scores(dense, tune.dense))
    return of_dense, attack(suspects, suspects.scores(candidate, tune.candidate))


def demand_numbers(package: Artifact, split: str, scores: Scores) -> None:
    """Insist that every score [n] is a number. Raises GateRefused."""
    broken = count_broken(scores)
    if broken:
        raise GateRefused(
            f"{broken:,} of {len(scores):,} scores on the {split} days are no probability: "
            f"{package.uri}"
        )


def footprint(package: Artifact, dense: Artifact, resident: int) -> Footprint:
    """Bytes of the sealed files, and the weights that the makers of the packages counted."""
    parameters, nonzero = (package.manifest.facts.get(n) for n in ("parameters", "nonzero"))
    of_dense = dense.manifest.facts.get("parameters")
    return Footprint(
        package_bytes=package.manifest.bytes,
        file_bytes={entry.path: entry.bytes for entry in package.manifest.files},
        resident_bytes=resident,
        parameters=parameters,
        nominal_sparsity=1 - nonzero / of_dense if nonzero and of_dense else None,
    )
