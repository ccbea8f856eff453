"""The controls that go with every recipe found: what it must beat, of its shapes and bits."""

from collections.abc import Iterator
from dataclasses import replace

from secateur.contracts.candidates import Recipe, Student
from secateur.pruning.search.grid import Configuration
from secateur.pruning.search.trials import Trials
from secateur.scenario.sections.search import Target

# As a multiple of the dense model's, which are what the log takes to converge: soft targets take
# longer. At short_video's one epoch a student no longer improves after 1.5.
STUDENT_EPOCHS = 1.5


def controls(configuration: Configuration, target: Target, trials: Trials) -> Iterator[Recipe]:
    """Random neurons, a student distilled from the dense model, and one that learns alone."""
    found = configuration.recipe(target.name, 0.0)
    dense, steps = trials.dense.spec, configuration.steps
    rows = next((step.min_count for step in steps if step.granularity == "embedding_row"), None)
    if any(step.granularity == "neuron" for step in steps):
        random = tuple(
            replace(step, criterion="random") if step.granularity == "neuron" else step
            for step in steps
        )
        yield replace(found, name=f"{target.name}_random", steps=random)
    if not dense.hidden or not steps:
        return
    spec = trials.shapes(found)
    inputs = spec.inputs if spec.inputs != dense.inputs else ()
    student = Student(spec.embedding_dim, spec.hidden, rows or 1, inputs=inputs)
    epochs = STUDENT_EPOCHS * trials.context.training.max_epochs
    trained = replace(found, steps=(), repair_epochs=epochs)
    yield replace(trained, name=f"{target.name}_student", student=student)
    yield replace(trained, name=f"{target.name}_alone", student=replace(student, alone=True))
