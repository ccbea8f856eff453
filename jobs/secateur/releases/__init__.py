"""Releases in a store: publish, follow a channel, roll back, sweep. See infra/release_format.md."""
