"""The rules that a gate is made of: by metric, of bytes and time, of the dense model."""
