"""A FeatureSet's rows as tensors, in memory or streamed from disk."""
