"""The training loop, its holdout evaluations, checkpoints and precision."""
