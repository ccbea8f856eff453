"""The learning rate of every step, known before the first."""

import numpy as np
from numpy.typing import NDArray


def learning_rates(peak: float, steps: int, warmup: float) -> NDArray[np.float64]:
    """Rates [steps]: up from 0 over the share `warmup` of the steps, then linearly down to 0."""
    at: NDArray[np.float64] = np.arange(steps, dtype=np.float64)
    rising = int(np.ceil(warmup * steps))
    up = (at + 1) / max(rising, 1)
    down = 1 - (at - rising) / max(steps - rising, 1)
    return peak * np.where(at < rising, up, down)
