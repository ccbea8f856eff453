"""One folder an architecture, what all share beside them, and the registry.

A folder has `network.py`, the paper's equations, and where the architecture differs from a tower
over all inputs side by side: `spec.py` (its shapes, from which settings), `prunable_groups.py`
(what is coupled to the units that pruning removes), `package.py` (its part of a package's graph).
A new one adds its name to `contracts/models.py`, a line to `registry.py`, one to `packages.py`, and
to the `[training]` section the settings that no other has.
"""
