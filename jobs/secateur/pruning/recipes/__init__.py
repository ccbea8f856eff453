"""A recipe, from its check against the dense model to the compact model that it leaves."""
