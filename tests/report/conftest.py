"""Nights as their verbs would have sealed them, with made-up but plausible figures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.candidates import CandidatePlan, Recipe
from secateur.contracts.data import CleaningCounts, ColumnDrift, Expectation, ValidationReport
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.judgement import (
    METRICS,
    SLICES,
    Accuracy,
    Difference,
    Footprint,
    Latency,
    Scorecard,
    ServedComparison,
)
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import (
    Baseline,
    Baselines,
    Evaluation,
    ModelSpec,
    TrainingCurve,
)
from secateur.contracts.releases import PublishReceipt
from secateur.contracts.search import SearchRecord
from secateur.judgement.gates import judge
from secateur.judgement.gating.references import References
from secateur.scenario import Judgement

DENSE_BYTES, DENSE_US = 2_950_000, 3100.0
# name: (delta AUC, standard error, bytes, request us at 256, nominal sparsity)
CANDIDATES = {
    "weights_magnitude": (-0.0021, 0.0006, 2_949_800, 3080.0, 0.80),
    "neurons_taylor": (-0.0012, 0.0007, 2_120_000, 1900.0, 0.31),
    "neurons_l2": (-0.0016, 0.0008, 2_118_000, 1910.0, 0.31),
    "rows_frequency": (+0.0008, 0.0009, 1_460_000, 3020.0, 0.55),
    "dimensions": (-0.0032, 0.0009, 1_820_000, 2750.0, 0.48),
    "int8": (-0.0002, 0.0001, 760_000, 2300.0, 0.0),
    "hybrid_medium": (-0.0011, 0.0009, 401_000, 1720.0, 0.70),
    "hybrid_small": (-0.0142, 0.0011, 212_000, 1480.0, 0.86),
    "small_dense_distilled": (-0.0049, 0.0016, 118_000, 1290.0, 0.94),
}


class NightBuilder:
    """Seals part after part below one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.baselines = Baselines(
            29_000,
            8_900,
            0.7366,
            (
                Baseline("logistic regression", "all inputs, linear", 0.7192, 0.0013),
                Baseline("popularity", "positives of video_id", 0.6021, 0.0029),
            ),
        )
        self.digests: dict[str, str] = {}

    def seal(
        self, path: str, kind: str, files: dict[str, object], facts: dict[str, object] | None = None
    ) -> str:
        with artifacts.create(str(self.folder / path), kind) as draft:
            for name, noun in files.items():
                draft.write(name, noun)
            manifest = draft.seal(MadeBy("test", "0" * 64), {}, facts or {})
        self.digests[path] = manifest.digest
        return manifest.digest

    def data(
        self, valid: bool = True, drift: tuple[ColumnDrift, ...] = (), bootstrap: str = ""
    ) -> None:
        days = {f"2022-04-{day}": 14_000 + 317 * (day % 5) for day in range(25, 31)}
        days |= {f"2022-05-0{day}": 13_400 + 411 * (day % 4) for day in range(1, 9)}
        kept = sum(days.values())
        reasons = {"label_not_binary": 41, "user_missing": 210, "time_outside_day": 1_830}
        counts = CleaningCounts(kept + 5_200, kept, 2_040, 3_160, reasons, days, kept)
        events = self.seal("events", "EventSet", {"counts.json": counts})
        steady = all((one.distance or 0) <= one.limit for one in drift)
        self.report("events_report", events, steady, kept, drift, bootstrap)
        categories = (CategoryField("user_id", "user", 9000, 2, True),)
        schema = FeatureSchema(
            "short_video", "long_view", categories, (BucketField("age", "user", (1.0,)),), "ab" * 8
        )
        names = sorted(days)
        split = {"train": names[:-4], "tune": names[-4:-2], "confirm": names[-2:]}
        features = self.seal("features", "FeatureSet", {"schema.json": schema}, {"days": split})
        self.report("features_report", features, valid, kept)

    def report(
        self,
        path: str,
        subject: str,
        success: bool,
        rows: int,
        drift: tuple[ColumnDrift, ...] = (),
        bootstrap: str = "",
    ) -> None:
        rules = [
            Expectation("expect_column_values_to_not_be_null", column, True, 0.0)
            for column in ("user_id", "video_id", "label", "time_ms", "day")
        ]
        rules.append(Expectation("expect_column_mean_to_be_between", "label", True, 0.304))
        rules.append(Expectation("oov_rate <= 0.2", "video_id", success, 0.11 if success else 0.37))
        noun = ValidationReport(subject, success, rows, tuple(rules), drift, bootstrap)
        self.seal(path, "ValidationReport", {"report.json": noun})

    def training(self) -> None:
        curve = TrainingCurve(
            tuple(
                Evaluation(36_000 * i, 0.62 - 0.014 * i, 0.585 - 0.011 * i + 0.0009 * i * i,
                           0.70 + 0.008 * i - 0.0007 * i * i)
                for i in range(1, 9)
            ),
            5,
        )  # fmt: skip
        spec = ModelSpec("deepfm", ("user_id", "age"), (9000, 3), 16, (400, 400, 400))
        files = {"model.json": spec, "curve.json": curve, "baselines.json": self.baselines}
        self.seal("dense", "ModelBundle", files)

    def plan(self, names: tuple[str, ...], search: SearchRecord | None = None) -> None:
        plan = CandidatePlan(self.digests["dense"], tuple(Recipe(name) for name in names))
        found = {"search.json": search} if search else {}
        self.seal("plan", "CandidatePlan", {"plan.json": plan, **found})

    def candidate(self, name: str, evaluated: bool = True, confirm_shift: float = 0.0) -> None:
        package = self.seal(f"candidates/{name}/package", "Package", {"recipe.json": Recipe(name)})
        if evaluated:
            card = scorecard(name, package, confirm_shift)
            self.seal(f"scorecards/{name}", "Scorecard", {"scorecard.json": card})

    def verdict(
        self, names: tuple[str, ...], rules: Judgement, cards: dict[str, Scorecard]
    ) -> None:
        verdict = judge(names, cards, rules, references=References("latest"))
        self.seal("verdict", "Verdict", {"verdict.json": verdict})
        if verdict.accepted:
            receipt = PublishReceipt("short_video", 17, "latest", 23, "c0ffee" + "0" * 58, 401_000)
            self.seal("release", "Release", {"receipt.json": receipt})


def scorecard(name: str, package: str = "p" * 64, confirm_shift: float = 0.0) -> Scorecard:
    """A scorecard with the figures of `CANDIDATES`."""
    delta, error, size, us, zeros = CANDIDATES[name]
    slices = (*(f"/{one.name}" for one in SLICES), "/from home")  # the last is the scenario's own
    keys = [f"{s}{p}" for s in ("tune", "confirm") for p in ("", *slices)]
    shift = {key: confirm_shift if key.startswith("confirm") else 0.0 for key in keys}
    wobble = {key: 0.4 * delta * ((i * 7) % 5 - 2) for i, key in enumerate(keys)}
    deltas = {k: delta + shift[k] + (wobble[k] if "/" in k else 0) for k in keys}
    dense = {
        key: accuracy(0.729 - 0.004 * (i % 5), 27_000 - 1500 * (i % 8))
        for i, key in enumerate(keys)
    }
    return Scorecard(
        recipe=name,
        package=package,
        dense_package="d" * 64,
        accuracy={k: accuracy((dense[k].auc or 0) + deltas[k], dense[k].rows) for k in keys},
        dense_accuracy=dense,
        differences={
            **{metric.name: dict.fromkeys(keys, Difference(0.0, error)) for metric in METRICS},
            "auc": {k: Difference(deltas[k], error * (3 if "/" in k else 1)) for k in keys},
        },
        controls=controls(keys),
        served={"latest": served(delta, error)},
        dense_levels={
            "auc": dict.fromkeys(("tune", "confirm"), Difference(0.729, 0.003)),
            "normalized_entropy": dict.fromkeys(("tune", "confirm"), Difference(0.9, 0.003)),
        },
        footprint=footprint(size, 1 - zeros),
        dense_footprint=footprint(DENSE_BYTES, 1.0),
        load=0.07,
        latency=latency(us),
        dense_latency=latency(DENSE_US),
    )  # fmt: skip


def served(delta: float, error: float) -> ServedComparison:
    """Release 16, a little worse than tonight's dense model."""
    both = ("tune", "confirm")
    return ServedComparison(
        release=16,
        package="e" * 64,
        accuracy=dict.fromkeys(both, accuracy(0.727, 27_000)),
        differences={
            "auc": dict.fromkeys(both, Difference(delta + 0.002, 2 * error)),
            "gauc": dict.fromkeys(both, Difference(0.0, error)),
            "log_loss": dict.fromkeys(both, Difference(0.001, 2 * error)),
        },
    )


def controls(keys: list[str]) -> dict[str, dict[str, dict[str, Difference]]]:
    return {
        name: {metric.name: dict.fromkeys(keys, Difference(0.0, 0.001)) for metric in METRICS}
        | {"auc": dict.fromkeys(keys, Difference(worse, 0.001))}
        for name, worse in (("copy", 0.0), ("shuffled", -0.1))
    }


def accuracy(auc: float, rows: int) -> Accuracy:
    loss = 0.553 - 0.4 * (auc - 0.729)
    found = Accuracy(rows, rows // 2, rows // 4, auc, auc - 0.05, loss, loss / 0.612, 1.013)
    return replace(found, positives=rows // 3)


def footprint(size: int, kept: float) -> Footprint:
    files = {
        "model.onnx": size * 6 // 10,
        "tables.bin": size * 3 // 10,
        "vocabulary.zst": size // 10,
    }
    return Footprint(size, files, 12_000_000 + 3 * size, int(1_020_000 * kept), 1 - kept)


def latency(us: float) -> tuple[Latency, ...]:
    return (
        Latency(1, us / 100, us / 60, us / 20, us / 12),
        Latency(256, us * 0.4, us * 0.55, us, us * 1.4),
    )


RULES = Judgement(margin=0.01)


def complete(folder: Path, rules: Judgement = RULES, confirm_shift: float = 0.0) -> Path:
    """A whole night: published, or refused where `rules` say so; one candidate has crashed."""
    night, names = NightBuilder(folder), tuple(CANDIDATES)
    night.data()
    night.training()
    night.plan(names)
    crashed, unmeasured = "neurons_l2", "dimensions"
    for name in names:
        if name != crashed:
            night.candidate(name, name != unmeasured, confirm_shift)
    cards = {
        name: scorecard(name, night.digests[f"candidates/{name}/package"], confirm_shift)
        for name in names
        if name not in (crashed, unmeasured)
    }
    night.verdict(names, rules, cards)
    return folder


@pytest.fixture
def build() -> type[NightBuilder]:
    return NightBuilder


@pytest.fixture
def complete_night(tmp_path: Path) -> Callable[..., Path]:
    return lambda **options: complete(tmp_path / "run", **options)
