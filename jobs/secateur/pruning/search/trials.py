"""Recipes carried out for a search, each once: what was found is kept, and read by a later run."""

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
from secateur.model.training.metrics import log_loss, logit_auc
from secateur.pruning.apply_recipe import Workshop, carry_out
from secateur.pruning.units.cost_model import predict_cost
from secateur.storage import join, open_store

log = logging.getLogger(__name__)
Clock = Callable[[], float]


class Trials:
    """Carries recipes out on a dense model and remembers every outcome.

    With a folder, outcomes are kept there below `key`, which names the work: a search that was
    killed goes on where it stopped.
    """

    def __init__(
        self,
        dense: Recommender,
        workshop: Workshop,
        minutes: float,
        folder: str | None = None,
        key: str = "",
        clock: Clock = time.monotonic,
    ) -> None:
        self.dense = dense
        self.workshop = workshop.taught_by(dense, workshop.training.teacher_weight)
        self.store = open_store(join(folder, key)) if folder else None
        self.clock, self.deadline = clock, clock() + 60 * minutes
        self.trials: list[Trial] = []
        self.out_of_time = False
        self._found: dict[str, Outcome] = {}
        holdout = self.workshop.evidence.holdout
        logits = predict(dense, holdout.inputs)
        self.dense_loss = log_loss(logits, holdout.targets[:, 0])
        self.dense_auc = logit_auc(logits, holdout.labels)

    def run(self, target: str, stage: str, recipe: Recipe, seed: int) -> Outcome | None:
        """The outcome of a recipe with this seed; None once the time is over.

        Recipes that differ by their names alone are one.
        """
        name = record.digest([replace(recipe, name=""), seed])[:24]
        outcome = self._found.get(name) or self._read(name)
        if outcome is None:
            if self.clock() > self.deadline:
                self.out_of_time = True
                return None
            outcome = self._carry_out(recipe, seed)
            self._write(name, outcome)
        self._found[name] = outcome
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
        """What a recipe that leaves these shapes will weigh and take."""
        return predict_cost(spec, recipe, self.workshop.evidence.encoding)

    def shapes(self, recipe: Recipe) -> ModelSpec:
        """What the recipe's cuts leave."""
        return carry_out(replace(recipe, repair_epochs=0.0), self.dense, self.workshop).model.spec

    def record(self) -> SearchRecord:
        """All that was tried."""
        return SearchRecord(self.dense_auc, tuple(self.trials), self.out_of_time)

    def _carry_out(self, recipe: Recipe, seed: int) -> Outcome:
        pruned = carry_out(recipe, self.dense, self.workshop.seeded(seed))
        holdout, model = self.workshop.evidence.holdout, pruned.model
        logits = predict(model, pruned.inputs(holdout.inputs, self.dense.spec))
        loss = log_loss(logits, holdout.targets[:, 0]) - self.dense_loss
        return Outcome(loss, logit_auc(logits, holdout.labels), self.cost(model.spec, recipe))

    def _read(self, name: str) -> Outcome | None:
        key = f"{name}.json"
        if self.store is None or not self.store.exists(key):
            return None
        return record.load(Outcome, self.store.get(key).data)

    def _write(self, name: str, outcome: Outcome) -> None:
        if self.store is not None:
            self.store.put(f"{name}.json", record.dump(outcome))
