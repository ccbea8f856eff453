"""What pruning is measured on: a dense model, with all that recipes and packages need."""

from dataclasses import dataclass
from pathlib import Path

from bench.data.raw_values import Log
from bench.pruning.recipes import Setup
from secateur.artifacts import create, open_artifact
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.judgement.scoring import Rows, read_rows
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split, load_split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source, read_source
from secateur.pruning.apply_recipe import Pruned, Workshop, carry_out, furnish
from secateur.scenario import Training, load


@dataclass(frozen=True, eq=False)
class Subject:
    """One seed's dense model, the workshop that prunes it, and the rows it is tested on."""

    dense: Recommender
    workshop: Workshop
    source: Source
    test: Split
    rows: Rows

    def prune(self, recipe: Recipe) -> Pruned:
        """Carry a recipe out."""
        return carry_out(recipe, self.dense, self.workshop)

    def package(self, recipe: Recipe, pruned: Pruned, folder: Path) -> int:
        """Write the package of a recipe's model, and give its bytes, the card's included."""
        spec = self.dense.spec
        calibration = pruned.inputs(self.workshop.evidence.holdout.inputs, spec)
        held_out = pruned.inputs(self.source.held_out.inputs, spec)
        source = self.source.cut(pruned.kept_ids(spec), held_out)
        with create(folder.as_uri(), "Package") as draft:
            write_package(draft, pruned.model, recipe, source, calibration, "A benchmark")
        return sum(path.stat().st_size for path in folder.iterdir() if path.name[0] != ".")

    def auc(self, pruned: Pruned | None = None) -> float:
        """Test AUC of a recipe's model before it is packaged, or else of the dense one."""
        inputs, labels = self.test.inputs, self.test.labels
        if pruned is None:
            return logit_auc(predict(self.dense, inputs), labels)
        return logit_auc(predict(pruned.model, pruned.inputs(inputs, self.dense.spec)), labels)


def subject_of_features(folder: Path, scenario: str, seed: int) -> Subject:
    """Train a scenario's dense model with a seed, on the FeatureSet in a folder."""
    features = open_artifact(folder.absolute().as_uri(), "FeatureSet")
    training = load(scenario).training
    workshop = furnish(features, training, seed)
    schema = features.read("schema.json", FeatureSchema)
    return Subject(
        _dense(schema, workshop, training),
        workshop,
        read_source(features),
        load_split(features, "tune"),
        read_rows(features.folder / "tune", schema),
    )


def subject_of_log(log: Log, setup: Setup, seed: int) -> Subject:
    """Train the dense model of a set that comes as ids."""
    workshop = Workshop(log.rows.train, log.evidence, setup.repair, seed)
    dense = _dense(log.rows.schema, workshop, setup.training)
    return Subject(dense, workshop, log.source(), log.rows.test, log.test_rows())


def _dense(schema: FeatureSchema, workshop: Workshop, training: Training) -> Recommender:
    model, held = new_model(schema, training, workshop.seed), workshop.evidence.holdout
    train(model, workshop.train, held, training, workshop.seed, lambda _rows, _look: None)
    return model
