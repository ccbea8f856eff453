"""The dense model's AUC on the tune days, beside that of rules of thumb and of a linear model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from logging import INFO, WARNING, getLogger

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.auc import Groups, Scores, auc, placements
from secateur.contracts import record
from secateur.contracts.artifact_files import SCHEMA
from secateur.contracts.features import ITEM_KEY, USER_HASH, FeatureSchema
from secateur.contracts.models import Baseline, Baselines
from secateur.model.architectures.network_settings import LINEAR
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.baselines import item_rules
from secateur.model.data.batches import Rows, Split, load_split, part_files
from secateur.model.data.streaming import Stream
from secateur.model.distributed import SINGLE_PROCESS
from secateur.model.training import train as training
from secateur.model.training.holdout import predict
from secateur.model.training.training_context import TrainingContext, ignore_progress

log = getLogger("secateur.model")

MEASURED_ON = "tune"
# A linear model gains from large steps at a high rate, which a deep one does not.
_BATCH, _RATE, _EPOCHS = 1024, 0.01, 3.0


@dataclass(frozen=True)
class BaselineInputs:
    """What is measured on: the features, and the log's names of the item and of its place in a
    list.
    """

    features: Artifact
    item: str
    position: str | None = None

    @classmethod
    def of(cls, features: Artifact, item: str, label: object) -> "BaselineInputs":
        """The position is that of a scenario's `label`, if it has one."""
        return cls(features, item, getattr(label, "position", None))

    @property
    def digest(self) -> str:
        """Names what of the scenario it depends on."""
        return record.digest([self.item, self.position])

    @property
    def schema(self) -> FeatureSchema:
        """The inputs of all models, and the label alone: no baseline learns the tasks."""
        return replace(self.features.read(SCHEMA, FeatureSchema), tasks=())


def measure_baselines(
    inputs: BaselineInputs, dense: Recommender, train: tuple[Stream, Stream], of: TrainingContext
) -> Baselines:
    """Score the tune rows by the dense model and by every baseline; `train` are all but the
    holdout, and that.

    Each is deterministic, and learned from the train days; the linear model is trained as `of` says
    where it does not say otherwise itself.
    """
    rows = load_split(inputs.features, MEASURED_ON)
    learned, holdout = (replace(stream, schema=inputs.schema) for stream in train)
    labels = rows.labels.numpy().astype(np.int8)
    scores = predict(dense, rows.inputs).numpy()
    area, found = auc(labels, scores), []
    if area is not None:
        rules = [
            *_of_items(inputs),
            _linear(inputs, rows, (learned.read_if_small(), holdout.read()), of),
        ]
        groups = _users_and_items(inputs.features)
        for name, rule, theirs in rules:
            error = difference_error(labels, groups, scores, theirs)
            found.append(Baseline(name, rule, auc(labels, theirs) or 0.5, error))
    ranked = sorted(found, key=lambda one: (-one.auc, one.name))
    measured = Baselines(len(labels), int(labels.sum()), area, tuple(ranked))
    log.log(WARNING if measured.better_than_dense else INFO, "%s", measured.sentence)
    return measured


def _of_items(inputs: BaselineInputs) -> Iterator[tuple[str, str, Scores]]:
    """Name, rule and scores [n] of what is known of the item alone."""
    features, item = inputs.features, inputs.item
    known = item_rules.read_history(features)
    rows = item_rules.read_item_rows(features, MEASURED_ON, known)
    yield "popularity", f"positives of {item}", item_rules.popularity(known, rows)
    yield "item rate", f"share of positives of {item}", item_rules.item_rate(known, rows)
    newest = f"the last positive of {item} before the event, newest first"
    yield "recency", newest, item_rules.recency(known, rows)
    if inputs.position and inputs.position in {field.name for field in inputs.schema.inputs}:
        order = item_rules.list_order(features, MEASURED_ON, inputs.position)
        yield "list order", f"{inputs.position} in the list shown", order


def _linear(
    inputs: BaselineInputs, rows: Split, train_rows: tuple[Rows, Split], of: TrainingContext
) -> tuple[str, str, Scores]:
    """Logistic regression over all inputs, stopped early like the dense model."""
    settings = of.settings.model_copy(
        update={
            "architecture": LINEAR,
            "start": "cold",
            "batch_size": _BATCH,
            "learning_rate": _RATE,
            "max_epochs": _EPOCHS,
            "evaluations_an_epoch": 4,
            "patience": 2,
            "embedding_optimizer": "auto",
            "table_l2": 0.0,
            "privacy": None,
        }
    )
    alone = replace(
        of,
        settings=settings,
        advance=ignore_progress,
        world=SINGLE_PROCESS,
        checkpoints=None,
        start=None,
    )
    model = new_model(inputs.schema, settings, of.seed)
    training.train(model, *train_rows, alone)
    scores = predict(model, rows.inputs).numpy()
    return "logistic regression", "all inputs of the dense model, linear", scores


def difference_error(
    labels: NDArray[np.int8], groups: Sequence[Groups], one: Scores, other: Scores
) -> float | None:
    """Standard error of AUC(one) - AUC(other), both scoring the same rows [n].

    `groups` are codes [n] of users and of items, whose rows err together: with the influence of
    each row (DeLong et al. 1988) summed by user, by item and by both, the variance is V_u + V_i -
    V_b, or V_b where that is more (Cameron, Gelbach and Miller 2011). None where a class has fewer
    than two rows.
    """
    liked = labels == 1
    if min(liked.sum(), (~liked).sum()) < 2:
        return None
    influence = _influence(labels, one) - _influence(labels, other)
    users, items = (np.unique(codes, return_inverse=True)[1] for codes in groups)
    of_both = np.unique(users * (items.max() + 1) + items, return_inverse=True)[1]
    by = [float(np.sum(np.bincount(g, influence) ** 2)) for g in (users, items, of_both)]
    return float(np.sqrt(max(by[0] + by[1] - by[2], by[2])))


def _influence(labels: NDArray[np.int8], scores: Scores) -> NDArray[np.float64]:
    """What each row [n] adds to the AUC, to first order."""
    placed, liked = placements(labels, np.zeros(len(labels), np.int64), scores), labels == 1
    in_class = np.where(liked, liked.sum(), (~liked).sum())
    return np.asarray((placed - placed[liked].mean()) / in_class, np.float64)


def _users_and_items(features: Artifact) -> list[Groups]:
    """Codes [n] of the users and of the items of the rows that are measured on."""
    files, names = part_files(features, MEASURED_ON), [USER_HASH, ITEM_KEY]
    table = pq.read_table(files, columns=names, read_dictionary=names, partitioning=None)
    columns = (table[name].unify_dictionaries().combine_chunks().indices for name in names)
    return [pc.fill_null(column, -1).to_numpy().astype(np.int64) for column in columns]
