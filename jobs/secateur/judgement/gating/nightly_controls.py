"""Two candidates whose verdict is known: where the gate gets them wrong it is not to be trusted."""

from dataclasses import replace

from secateur.contracts.judgement import CONTROLS, COPY, SHUFFLED, MetricTest, Scorecard
from secateur.judgement.gating.non_inferiority import compare_with_margins
from secateur.scenario import Judgement


def broken_controls(card: Scorecard, rules: Judgement) -> list[str]:
    """One sentence for each control that a scorecard lacks, or whose verdict is wrong."""
    missing = [name for name in CONTROLS if name not in card.controls]
    if missing:
        return [f"{card.recipe} was measured without its controls, {' and '.join(missing)}"]
    said = []
    of_copy = [test for test in _tests(card, COPY, rules) if test.outcome != "passed"]
    if of_copy:
        said.append(f"a copy of the dense model does not pass: {of_copy[0].words}")
    of_shuffled = _tests(card, SHUFFLED, rules)
    if of_shuffled and all(test.outcome == "passed" for test in of_shuffled):
        said.append(f"one shuffled for half of the items passes: {of_shuffled[0].words}")
    return said


def _tests(card: Scorecard, control: str, rules: Judgement) -> list[MetricTest]:
    """The control in the candidate's place; a gain that is asked for counts as a margin here."""
    margins = {name: abs(margin) for name, margin in rules.by_metric.items() if margin}
    of_control = replace(card, accuracy=card.dense_accuracy, differences=card.controls[control])
    return compare_with_margins(of_control, "tune", margins, rules.confidence)
