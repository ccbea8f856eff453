"""Bool masks as text for plans: hex of their bits, row by row."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def pack_mask(mask: Tensor) -> str:
    """A bool mask of any shape as hex of its bits, row by row."""
    return np.packbits(mask.flatten().numpy()).tobytes().hex()


def unpack_mask(packed: str, shape: Sequence[int]) -> Tensor:
    """The bool mask of this shape from its hex."""
    count = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(packed), np.uint8), count=count)
    return torch.from_numpy(bits.astype(np.bool_)).view(*shape)
