"""Architectures, batches, training and bundles. The only heavy library here is torch."""
