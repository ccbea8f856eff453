"""Two nights running of the bundled log, the second trained warm from the first: what is re-sent.

Both have a window of 13 days, a day apart, so the second learns one new day. Every recipe is
packaged of both dense models, published and pulled; how that is counted stands in `second_release`.
What lies in `--folder` is not made again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow.compute as pc
import torch

from bench.pruning.recipes import INT8
from bench.pruning.subjects import Subject, subject_of_bundle
from bench.pruning.warm_nights import SCENARIO, WarmNights
from bench.releases import held_scales
from bench.releases.second_release import head, line
from bench.runner import Asked, Benchmark
from secateur import scenario
from secateur.accepted import VOCABULARY
from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.candidates import DENSE, Recipe
from secateur.contracts.features import FeatureSchema
from secateur.contracts.manifest import MANIFEST
from secateur.model.bundle import load_bundle
from secateur.model.warm_start import row_keys
from secateur.serving.files import tables

DAYS = ("2022-05-07", "2022-05-08")
WINDOW_DAYS = 13
OPTIMIZERS = ("adam", "rowwise_adagrad")
LIMITS = """
One day of these thirteen reads more than half of the rows, and `rowwise_adagrad` moves no others;
Adam moves nine tenths. Rows that stay lie among those that do not: of 16 rows one after the other
some always changed. So a coded table in blocks, cut by content or not, would be sent and fetched as
it is today: whole. What spares a reader something is a patch of rows and values as they are, before
they are coded (last column). Only tables of floats of 8 MiB and more lie so. A tower, schema and
golden rows are new every night. A recipe that learns while its rows are rounded (hybrid_small,
hybrid_tiny) trains all rows again, and is not here. What is sent is never less than the chunks that
are new, for a new reader needs them, and a delta comes on top."""
MAPPED = "float32, sorted, mapped"


def figures(asked: Asked) -> Iterator[str]:
    """A line a recipe and optimizer."""
    nights = WarmNights(asked.folder, WINDOW_DAYS)
    for day in DAYS:
        nights.build_features(day)
    pairs = [TwoNights(nights, optimizer) for optimizer in OPTIMIZERS]
    yield from (pair.kept_rows() for pair in pairs)
    yield "\nShares are of the second release's bytes.\n"
    yield from head()
    for pair in pairs:
        for name, recipe in recipes().items():
            first, second = (pair.package(day, name, recipe) for day in DAYS)
            yield line(f"{pair.optimizer}: {name}", first, second)
    yield "\n## Were scales held\n"
    yield from held_scales.head()
    for pair in pairs:
        yield from held_scales.lines(pair.optimizer, *pair.subjects.values())
    yield LIMITS


def recipes() -> Mapping[str, Recipe]:
    """The recipes by what they are called on the page."""
    own = {one.name: one for one in scenario.load_scenario(SCENARIO).recipes}
    return {
        "float32, by frequency, compressed": Recipe(DENSE),
        MAPPED: Recipe("sorted", vocabulary="ascending"),
        "int8, sorted": INT8,
        "hybrid_medium": own["hybrid_medium"],
    }


@dataclass(frozen=True)
class TwoNights:
    """The nights with one optimizer of the tables."""

    nights: WarmNights
    optimizer: str

    @cached_property
    def bundles(self) -> dict[str, Artifact]:
        """Dense models by day: the first cold, for it finds no master, the second warm."""
        settings = ("training.start=warm", f"training.embedding_optimizer={self.optimizer}")
        return {
            day: self.nights.train(
                day, f"{self.optimizer}/state", f"{self.optimizer}/{day}/dense", settings
            )
            for day in DAYS
        }

    @cached_property
    def subjects(self) -> dict[str, Subject]:
        """What packages are made of, by day."""
        asked = scenario.load_scenario(SCENARIO)
        return {
            day: subject_of_bundle(bundle, self._features(day), asked.training, asked.seed)
            for day, bundle in self.bundles.items()
        }

    def package(self, day: str, name: str, recipe: Recipe) -> Artifact:
        """The package of a recipe, made unless it is there."""
        folder = self.nights.folder / self.optimizer / day / "packages" / recipe.name
        if not (folder / MANIFEST).exists():
            subject = self.subjects[day]
            with _map_if(name == MAPPED):
                subject.package(recipe, subject.prune(recipe), folder)
        return open_artifact(str(folder), "Package")

    def kept_rows(self) -> str:
        """How many rows of the second night's dense table are the first's, bit by bit."""
        old, new = (
            row_keys(self._schema(day), self._features(day).file(VOCABULARY)) for day in DAYS
        )
        then, now = (load_bundle(bundle).embedding.weight for bundle in self.bundles.values())
        place = torch.from_numpy(pc.fill_null(pc.index_in(new, old), -1).to_numpy().copy()).long()
        known = place >= 0
        same = int((then[place[known]] == now[known]).all(dim=1).sum())
        return (
            f"{self.optimizer}: of {len(new):,} rows {int(known.sum()):,} were there the night "
            f"before, and {same:,} ({same / len(new):.1%}) are the same.  "
        )

    def _features(self, day: str) -> Artifact:
        return open_artifact(str(self.nights.folder / day / "features"), "FeatureSet")

    def _schema(self, day: str) -> FeatureSchema:
        return self._features(day).read("schema.json", FeatureSchema)


@contextmanager
def _map_if(wanted: bool) -> Iterator[None]:
    """Store tables as larger ones are."""
    before = tables.MAPPED_BYTES, tables.MAPPED_SHARE
    if wanted:
        tables.MAPPED_BYTES, tables.MAPPED_SHARE = 0, 0.0
    try:
        yield
    finally:
        tables.MAPPED_BYTES, tables.MAPPED_SHARE = before


BENCHMARK = Benchmark(
    title="What two nights running send and fetch again",
    figures=figures,
    page=lambda _asked: "two_nights",
)
