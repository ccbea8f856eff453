"""What a release changed of the one before it, for readers who hold that one."""
