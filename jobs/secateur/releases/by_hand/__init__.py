"""What a person does to a channel: roll back, hold, resume, republish; each with a reason."""
