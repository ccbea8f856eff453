"""The files of a Package: written, packed, verified and read."""
