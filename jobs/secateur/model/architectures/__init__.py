"""One folder an architecture, what all share beside them, and the registry.

A folder has `network.py`, the paper's equations, and where the architecture differs from a tower
over all inputs side by side: `spec.py` (its settings in a scenario, its shapes, and what follows
from them), `prunable_groups.py` (what is coupled to the units that pruning removes), `package.py`
(its part of a package's graph). A new one is named in the registry: in `network_settings.py`, which
needs no torch, in `registry.py`, and in `packages.py`.
"""
