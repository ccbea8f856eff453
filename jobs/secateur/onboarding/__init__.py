"""From a raw log to a dense model beside its baselines, in one command."""
