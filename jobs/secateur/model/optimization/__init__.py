"""Optimizers of dense weights and of tables, and the learning rate of every step."""
