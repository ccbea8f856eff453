"""Sparsity schedules: the share of the units that is left after every round of a step."""

from secateur.contracts.candidates import Step


def keep_fractions(step: Step) -> tuple[float, ...]:
    """The share kept after each round, falling to `step.keep`.

    one_shot goes there at once, and so does rigl, which then replaces weights; iterative removes
    the same share of what is left in every round (Frankle & Carbin, ICLR 2019); cubic removes much
    early and little late, s_t = s (1 - (1 - t/n)^3) (Zhu & Gupta, 2017).
    """
    keep, n = step.keep if step.keep is not None else 1.0, step.rounds
    if step.schedule == "iterative":
        return (*(keep ** (i / n) for i in range(1, n)), keep)
    if step.schedule == "cubic":
        return (*(1 - (1 - keep) * (1 - (1 - i / n) ** 3) for i in range(1, n)), keep)
    return (keep,) * (n if step.schedule == "rigl" else 1)
