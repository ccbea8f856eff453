"""A reader's side of a store: the copies on its disk, and the pointers that it has believed."""
