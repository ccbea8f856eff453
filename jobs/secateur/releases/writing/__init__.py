"""A publisher's side of a store: how files are cut into blobs, and how blobs are sent."""
