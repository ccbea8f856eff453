"""Two candidates whose verdict is known: where the gate gets them wrong it is not to be trusted.

They are asked on the tune days, where many are compared, and on the confirm days, where one is.
"""

from collections.abc import Iterator
from dataclasses import replace

from secateur.contracts.features import HELD_OUT
from secateur.contracts.judgement import CONTROLS, COPY, SHUFFLED, MetricTest, Scorecard
from secateur.judgement.gating.non_inferiority import compare_with_margins
from secateur.scenario import Judgement


def broken_controls(card: Scorecard, rules: Judgement) -> list[str]:
    """One sentence for each control that a scorecard lacks, or whose verdict is wrong."""
    missing = [name for name in CONTROLS if name not in card.controls]
    if missing:
        return [f"{card.recipe} was measured without its controls, {' and '.join(missing)}"]
    return [said for split in HELD_OUT for said in _on_split(card, split, rules)]


def _on_split(card: Scorecard, split: str, rules: Judgement) -> Iterator[str]:
    of_copy, of_shuffled = (_tests(card, name, split, rules) for name in (COPY, SHUFFLED))
    # Nothing that equals dense passes a margin of 0, which asks for a gain.
    refused = [test for test in of_copy if test.margin and test.outcome != "passed"]
    if refused:
        yield f"a copy of the dense model does not pass: {refused[0].words}"
    unmeasured = [test for test in of_shuffled if test.outcome == "missing"]
    if unmeasured:
        yield f"one shuffled for half of the items was not measured: {unmeasured[0].words}"
    elif all(test.outcome == "passed" for test in of_shuffled):
        yield f"one shuffled for half of the items passes: {of_shuffled[0].words}"


def _tests(card: Scorecard, control: str, split: str, rules: Judgement) -> list[MetricTest]:
    """The control in the candidate's place; a gain that is asked for counts as a margin here."""
    margins = {name: abs(margin) for name, margin in rules.by_metric.items()}
    of_control = replace(card, accuracy=card.dense_accuracy, differences=card.controls[control])
    return compare_with_margins(of_control, split, margins, rules.confidence)
