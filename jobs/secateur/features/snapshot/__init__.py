"""What a service cannot know of users and items, as of the end of the last day, by their keys."""
