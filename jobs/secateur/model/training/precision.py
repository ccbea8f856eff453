"""The precision in which an architecture scores what was embedded.

Tables, interactions and loss stay in float32. With "bf16" the matrix products of the tower run in
bfloat16 on weights kept in float32 (autocast), which a CPU with AVX512-BF16 or AMX and any recent
GPU does several times faster. A CPU without them trains in float32, and the log says so.
"""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from secateur.model.architectures.recommender import Embedded, Recommender

log = logging.getLogger("secateur.model")

Score = Callable[[Embedded], Tensor]


def score_function(model: Recommender, precision: str, device: torch.device) -> Score:
    """From embedded inputs to logits float32 [batch, 1 + tasks], for training on `device`."""
    if precision == "fp32" or not has_bf16(device):
        if precision != "fp32":
            log.info("this processor has no bfloat16 products: training in float32")
        return model.score

    def score_in_bf16(embedded: Embedded) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return model.score(embedded).float()

    return score_in_bf16


def has_bf16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster there than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
