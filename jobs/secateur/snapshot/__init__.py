"""The files of a feature snapshot: what a service cannot know of users and items, by their keys."""
