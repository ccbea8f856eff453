"""What pruning is measured on: a dense model, with all that recipes and packages need."""

from dataclasses import dataclass
from pathlib import Path

from logs import Log
from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.judgement.scoring import Rows, read_rows
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split, load_split
from secateur.model.training.train import train
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source, read_source
from secateur.pruning.apply_recipe import Pruned, Workshop, carry_out, furnish
from secateur.scenario import Training, load


@dataclass(frozen=True, eq=False)
class Subject:
    """One seed's dense model, the workshop that prunes it, and the days it is tested on."""

    dense: Recommender
    workshop: Workshop
    source: Source
    test: Split
    rows: Rows

    def prune(self, recipe: Recipe) -> Pruned:
        """Carry a recipe out."""
        return carry_out(recipe, self.dense, self.workshop)

    def package(self, recipe: Recipe, pruned: Pruned, folder: Path) -> int:
        """Write the package of a recipe's model, and give its bytes, the card's and all."""
        spec = self.dense.spec
        calibration = pruned.inputs(self.workshop.evidence.holdout.inputs, spec)
        source = self.source.keeping(pruned.kept_ids(spec))
        with create(folder.as_uri(), "Package") as draft:
            write_package(draft, pruned.model, recipe, source, calibration, "A benchmark")
        return sum(path.stat().st_size for path in folder.iterdir() if path.name[0] != ".")


def of_night(features: Path, scenario: str, seed: int) -> Subject:
    """Train the scenario's dense model with another seed, on the FeatureSet in a folder."""
    opened = open_artifact(features.as_uri(), "FeatureSet")
    training = load(scenario).training
    workshop = furnish(opened, training, seed)
    schema = opened.read("schema.json", FeatureSchema)
    dense = _trained(schema, workshop, training)
    return Subject(dense, workshop, read_source(opened), load_split(opened, "tune"), _rows(opened))


def of_log(log: Log, training: Training, repairing: Training, seed: int) -> Subject:
    """Train the dense model of a log of ids; recipes repair as `repairing` says."""
    workshop = Workshop(log.rows.train, log.evidence, repairing, seed)
    dense = _trained(log.rows.schema, workshop, training)
    return Subject(dense, workshop, log.source(), log.rows.test, log.test_rows())


def _trained(schema: FeatureSchema, workshop: Workshop, training: Training) -> Recommender:
    model, held = new_model(schema, training, workshop.seed), workshop.evidence.holdout
    train(model, workshop.train, held, training, workshop.seed, lambda _rows, _look: None)
    return model


def _rows(features: Artifact) -> Rows:
    schema = features.read("schema.json", FeatureSchema)
    return read_rows(features.folder / "tune", schema)
