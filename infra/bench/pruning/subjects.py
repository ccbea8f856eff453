"""What pruning is measured on: a dense model, with all that recipes and packages need."""

from dataclasses import dataclass
from pathlib import Path

from bench.data.raw_values import Log
from bench.pruning.recipes import Setup
from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts import artifact_files
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.contracts.manifest import MANIFEST, MadeBy
from secateur.judgement.scoring.client_scoring import HeldOutRows, read_rows
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.bundle import load_bundle
from secateur.model.data.batches import Split, load_split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source, package_source
from secateur.pruning.recipes.apply_recipe import PrunedModel, apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.scenario import Training, load_scenario


@dataclass(frozen=True, eq=False)
class Subject:
    """One seed's dense model, the context that prunes it, and the rows it is tested on."""

    dense: Recommender
    context: PruningContext
    source: Source
    test: Split
    rows: HeldOutRows

    def prune(self, recipe: Recipe) -> PrunedModel:
        """Apply a recipe."""
        return apply_recipe(recipe, self.dense, self.context)

    def package(self, recipe: Recipe, pruned: PrunedModel, folder: Path) -> int:
        """Write the package of a recipe's model, and give its bytes, the card's included."""
        spec = self.dense.spec
        calibration = pruned.adapt_inputs(self.context.calibration.holdout.inputs, spec)
        held_out = pruned.adapt_inputs(self.source.held_out.inputs, spec)
        source = self.source.cut(pruned.kept_ids(spec), held_out)
        with create(folder.as_uri(), "Package") as draft:
            write_package(draft, pruned.model, recipe, source, calibration, "A benchmark")
            draft.seal(MadeBy("prune_model", "0"), {}, {})
        files = (path for path in folder.iterdir() if path.name != MANIFEST)
        return sum(path.stat().st_size for path in files if path.name[0] != ".")

    def auc(self, pruned: PrunedModel | None = None) -> float:
        """Test AUC of a recipe's model before it is packaged, or else of the dense one."""
        inputs, labels = self.test.inputs, self.test.labels
        if pruned is None:
            return logit_auc(predict(self.dense, inputs), labels)
        return logit_auc(
            predict(pruned.model, pruned.adapt_inputs(inputs, self.dense.spec)), labels
        )


def subject_of_features(folder: Path, scenario: str, seed: int) -> Subject:
    """Train a scenario's dense model with a seed, on the FeatureSet in a folder."""
    features = open_artifact(folder.absolute().as_uri(), "FeatureSet")
    training = load_scenario(scenario).training
    context = PruningContext.load(features, training, seed, best_device())
    schema = features.read("schema.json", FeatureSchema)
    return Subject(
        _dense(schema, context, training),
        context,
        package_source(features),
        load_split(features, "tune"),
        read_rows(features.folder / "tune", schema),
    )


def subject_of_bundle(
    bundle: Artifact, features: Artifact, training: Training, seed: int
) -> Subject:
    """The dense model in a bundle, and the FeatureSet that it was trained on."""
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    return Subject(
        load_bundle(bundle),
        PruningContext.load(features, training, seed),
        package_source(features),
        load_split(features, "tune"),
        read_rows(features.folder / "tune", schema),
    )


def subject_of_log(log: Log, setup: Setup, seed: int) -> Subject:
    """Train the dense model of a set that comes as ids."""
    context = PruningContext(log.splits.train, log.calibration, setup.repair, seed, best_device())
    dense = _dense(log.splits.schema, context, setup.training)
    return Subject(dense, context, log.source(), log.splits.test, log.test_rows())


def _dense(schema: FeatureSchema, context: PruningContext, training: Training) -> Recommender:
    model, held = new_model(schema, training, context.seed), context.calibration.holdout
    train(model, context.train, held, TrainingContext(training, context.seed, context.device))
    return model
