"""What a model reads of a number: the bucket it lies in, or the number by its field's scale."""

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import BucketField, NumberField

Doubles = NDArray[np.float64]


def bucket_ids(field: BucketField, numbers: Doubles) -> NDArray[np.int32]:
    """Int32 ids [n] of numbers [n]: how many boundaries each reaches; OOV for NaN."""
    ids = np.searchsorted(np.asarray(field.boundaries), numbers, side="right").astype(np.int32)
    ids[np.isnan(numbers)] = field.oov
    return ids


def scale(field: NumberField, numbers: Doubles) -> NDArray[np.float32]:
    """Float32 [n] of numbers [n] by the field's scale; 0 where either is not finite, never -0."""
    finite = np.isfinite(numbers)
    with np.errstate(over="ignore"):
        found = _by_scale(field, np.where(finite, numbers, 0)).astype(np.float32)
    return np.where(finite & np.isfinite(found), found, np.float32(0)) + np.float32(0)


def signed_log(numbers: Doubles) -> Doubles:
    """Float64 [n] of finite numbers [n]: log(1 + |x|) with the sign of x."""
    logs: Doubles = np.sign(numbers) * np.log1p(np.abs(numbers))
    return logs


def _by_scale(field: NumberField, numbers: Doubles) -> Doubles:
    if field.scale == "quantile":
        if not field.knots:
            return np.zeros_like(numbers)
        return np.interp(numbers, field.knots, np.linspace(0, 1, len(field.knots)))
    found = numbers if field.scale == "standard" else signed_log(numbers)
    return found if field.scale == "log" else (found - field.mean) / (field.deviation or 1.0)


def unscale(field: NumberField, scaled: Doubles) -> Doubles:
    """Numbers [n] whose scaled values are these [n], to rounding: the inverse of `scale`."""
    if field.scale == "quantile":
        knots = field.knots or (0.0, 0.0)
        return np.interp(scaled, np.linspace(0, 1, len(knots)), knots)
    found = scaled if field.scale == "log" else scaled * (field.deviation or 1.0) + field.mean
    if field.scale == "standard":
        return found
    numbers: Doubles = np.sign(found) * np.expm1(np.abs(found))
    return numbers
