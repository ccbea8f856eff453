"""Trials of a search: recipes applied once each, their outcomes stored for a later run."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec
from secateur.contracts.search import Cost, Outcome, SearchRecord, Trial
from secateur.model.architectures.recommender import Recommender
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc, logit_loss
from secateur.pruning.recipes.apply_recipe import apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.units.cost_model import predict_cost
from secateur.storage import join, open_store

log = logging.getLogger(__name__)
Clock = Callable[[], float]


class StoredOutcomes:
    """Outcomes below `key`, which names the search, in a folder: a killed search goes on there."""

    def __init__(self, folder: str, key: str) -> None:
        self.store = open_store(join(folder, key))

    def read(self, name: str) -> Outcome | None:
        """The outcome of that name, if it was written."""
        key = f"{name}.json"
        if not self.store.exists(key):
            return None
        return record.from_json(Outcome, self.store.get(key).data)

    def write(self, name: str, outcome: Outcome) -> None:
        """Store an outcome."""
        self.store.put(f"{name}.json", record.dump(outcome))


class Trials:
    """Applies recipes to a dense model and keeps every outcome, for at most so many `minutes`."""

    def __init__(
        self,
        dense: Recommender,
        context: PruningContext,
        minutes: float,
        stored: StoredOutcomes | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.dense = dense
        self.context = context.with_distillation_targets(dense, context.training.teacher_weight)
        self.stored = stored
        self.clock, self.deadline = clock, clock() + 60 * minutes
        self.trials: list[Trial] = []
        self.out_of_time = False
        self._known: dict[str, Outcome] = {}
        holdout = self.context.calibration.holdout
        logits = predict(dense, holdout.inputs)
        self.dense_loss = logit_loss(logits, holdout.targets[:, 0])
        self.dense_auc = logit_auc(logits, holdout.labels)

    def run(self, target: str, stage: str, recipe: Recipe, seed: int) -> Outcome | None:
        """The outcome of a recipe with this seed; None once the time is over.

        Recipes that differ by their names alone are one.
        """
        name = record.digest([replace(recipe, name=""), seed])[:24]
        outcome = self._known.get(name)
        if outcome is None and self.stored:
            outcome = self.stored.read(name)
        if outcome is None:
            if self.clock() > self.deadline:
                self.out_of_time = True
                return None
            outcome = self._measure(recipe, seed)
            if self.stored:
                self.stored.write(name, outcome)
        self._known[name] = outcome
        self.trials.append(Trial(target, stage, recipe, seed, outcome))
        log.info(
            "%s %s %s: AUC %+.4f of dense on the holdout, about %s bytes and %.0f us",
            target,
            stage,
            recipe.name,
            outcome.auc - self.dense_auc,
            f"{outcome.cost.bytes:,}",
            outcome.cost.us,
        )
        return outcome

    def cost(self, spec: ModelSpec, recipe: Recipe) -> Cost:
        """The predicted cost of a recipe that leaves these shapes."""
        return predict_cost(spec, recipe, self.context.calibration.encoding)

    def shapes(self, recipe: Recipe) -> ModelSpec:
        """The shapes that the recipe's cuts leave."""
        return apply_recipe(replace(recipe, repair_epochs=0.0), self.dense, self.context).model.spec

    def record(self) -> SearchRecord:
        """All trials so far."""
        return SearchRecord(self.dense_auc, tuple(self.trials), self.out_of_time)

    def _measure(self, recipe: Recipe, seed: int) -> Outcome:
        """Apply a recipe with this seed, and measure its model on the holdout."""
        pruned = apply_recipe(recipe, self.dense, self.context.with_seed(seed))
        holdout, model = self.context.calibration.holdout, pruned.model
        logits = predict(model, pruned.adapt_inputs(holdout.inputs, self.dense.spec))
        loss = logit_loss(logits, holdout.targets[:, 0]) - self.dense_loss
        return Outcome(loss, logit_auc(logits, holdout.labels), self.cost(model.spec, recipe))
