"""The recipes that benchmarks try, and how the sets' models are trained and repaired."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.data.frappe import TRAININGS
from secateur.contracts.candidates import DENSE, Recipe, Step, Student
from secateur.scenario import Training


@dataclass(frozen=True)
class Setup:
    """What is done with a set that comes as ids: `recipes` are its own, the dense one first."""

    training: Training
    repair: Training
    recipes: tuple[Recipe, ...]


INT8 = Recipe("int8_ascending", embedding_bits=8, tower_bits=8, vocabulary="ascending")
_CUT = (
    Step("embedding_dimension", "l2", keep=0.6),
    Step("neuron", "taylor", keep=0.3),
)
_CUT_4 = Recipe("cut_4", _CUT, 0, 4, 4, first_order_bits=6, vocabulary="ascending")
FRAPPE = Setup(
    TRAININGS["dlrm"],
    # Without this pull on the tables a repair learns Frappe's train rows by heart.
    TRAININGS["dlrm"].model_copy(update={"table_l2": 0.01, "patience": 9}),
    (
        Recipe(DENSE),
        INT8,
        Recipe(
            "student_8",
            repair_epochs=20,
            embedding_bits=8,
            tower_bits=8,
            student=Student(embedding_dim=16, hidden=(64, 32), min_count=1),
            vocabulary="ascending",
        ),
        _CUT_4,
        replace(_CUT_4, name="cut_4_aware", rounded_epochs=10),
        replace(_CUT_4, name="cut_3_aware", rounded_epochs=10, embedding_bits=3),
        replace(_CUT_4, name="cut_mixed", rounded_epochs=10, rare_bits=2, rare_count=20),
    ),
)

_HIDDEN = (400, 400, 400)
_FREQUENT_ROWS = Step("embedding_row", "frequency", min_count=5)
_ZIPF_HYBRID = Recipe(
    "hybrid",
    (
        _FREQUENT_ROWS,
        Step("neuron", "contribution", keep=0.1),
        Step("embedding_dimension", "frequency_l2", keep=0.125),
    ),
    repair_epochs=1.0,
    embedding_bits=4,
    first_order_bits=7,
    tower_bits=8,
    rounded_epochs=2.0,
    vocabulary="ascending",
)
_ZIPF_TRAINING = Training(embedding_dim=16, hidden=_HIDDEN, batch_size=1024, threads=2)
ZIPF = Setup(
    _ZIPF_TRAINING,
    _ZIPF_TRAINING,
    (
        Recipe(DENSE),
        # What one would serve without pruning: only frequent values, everything in float32.
        *(
            Recipe(
                f"min_count_{count} (dense)",
                student=Student(16, _HIDDEN, count, alone=True),
                repair_epochs=1,
            )
            for count in (5, 10, 20)
        ),
        INT8,
        replace(
            _ZIPF_HYBRID, name="rows_4", steps=(_FREQUENT_ROWS,), repair_epochs=0, rounded_epochs=0
        ),
        _ZIPF_HYBRID,
        replace(
            _ZIPF_HYBRID,
            name="small dense, distilled (control)",
            steps=(),
            student=Student(2, (40, 40, 40), 5),
            rounded_epochs=0,
            repair_epochs=3.0,
        ),
    ),
)

# What was found for one set alone, a line of its own beside the methods below.
BEST = {"frappe": FRAPPE.recipes[-1], "zipf": _ZIPF_HYBRID}

# The methods, with levels that were chosen on KuaiRand.
REPAIR_EPOCHS = 0.5
NEURONS = Step("neuron", "contribution", keep=0.1)
WEIGHTS = Step("weight", "magnitude", keep=0.1)
ROWS = Step("embedding_row", "frequency", min_count=10)
DIMENSIONS = Step("embedding_dimension", "frequency_l2", keep=0.25)
FIELDS = Step("field", "field_score", keep=0.5)
LAYERS = Step("layer", "linearity", keep=0.34)
HYBRID = Recipe(
    "hybrid",
    (FIELDS, ROWS, DIMENSIONS, NEURONS, LAYERS),
    REPAIR_EPOCHS,
    embedding_bits=4,
    tower_bits=8,
    vocabulary="ascending",
)


def methods() -> list[Recipe]:
    """Every method, granularity and schedule, with the controls; the dense recipe first."""
    return [Recipe(DENSE), *_weights(), *_neurons(), *_tables(), *_hybrids_and_controls()]


def _weights() -> Iterator[Recipe]:
    erk = replace(WEIGHTS, allocation="erk")
    yield Recipe("weights, one-shot", (WEIGHTS,), REPAIR_EPOCHS)
    yield Recipe("weights, one-shot, ERK", (erk,), REPAIR_EPOCHS)
    for schedule in ("iterative", "cubic"):
        step = replace(WEIGHTS, schedule=schedule, rounds=4)
        yield Recipe(f"weights, {schedule}", (step,), REPAIR_EPOCHS)
    rigl = replace(erk, schedule="rigl", rounds=4)
    yield Recipe("weights, RigL from the dense model", (rigl,), REPAIR_EPOCHS)
    yield Recipe("weights, RigL from scratch", (rigl,), 1.0, start="untrained")
    snip = replace(WEIGHTS, criterion="taylor")
    yield Recipe("weights, SNIP before training", (snip,), 1.0, start="untrained")


def _neurons() -> Iterator[Recipe]:
    yield Recipe("neurons, one-shot, nothing after", (NEURONS,), compensate=False)
    yield Recipe("neurons, one-shot, compensated", (NEURONS,))
    yield Recipe("neurons, one-shot, repaired", (NEURONS,), REPAIR_EPOCHS, compensate=False)
    yield Recipe("neurons, one-shot, both", (NEURONS,), REPAIR_EPOCHS)
    for schedule in ("iterative", "cubic"):
        step = replace(NEURONS, schedule=schedule, rounds=4)
        yield Recipe(f"neurons, {schedule}", (step,), REPAIR_EPOCHS)
    for allocation in ("global", "sensitivity"):
        step = replace(NEURONS, allocation=allocation)
        yield Recipe(f"neurons, one-shot, {allocation}", (step,))
    yield Recipe("hidden layers made linear", (LAYERS,))


def _tables() -> Iterator[Recipe]:
    yield Recipe("embedding rows", (ROWS,))
    yield Recipe("embedding dimensions", (DIMENSIONS,), REPAIR_EPOCHS)
    yield Recipe("fields", (FIELDS,))
    yield Recipe("int8", embedding_bits=8, tower_bits=8)
    yield Recipe("int4 rows, int8 tower", embedding_bits=4, tower_bits=8)


def _hybrids_and_controls() -> Iterator[Recipe]:
    yield HYBRID
    chance = replace(NEURONS, criterion="random")
    steps = tuple(chance if step is NEURONS else step for step in HYBRID.steps)
    yield replace(HYBRID, name="hybrid, random neurons (control)", steps=steps)
    small = replace(HYBRID, steps=(), repair_epochs=1.5)
    shape = Student(4, (40,), 10)
    yield replace(small, name="small dense, distilled (control)", student=shape)
    alone = replace(shape, alone=True)
    yield replace(small, name="small dense, alone (control)", student=alone)
    yield Recipe("min_count alone (control)", (ROWS,), 0.0, 4, 8, vocabulary="ascending")
