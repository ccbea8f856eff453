"""Signatures that others' tools verify, beside our own (see `releases/signing.py`)."""
