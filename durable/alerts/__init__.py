"""What a person is told without asking, and how it gets there. No job depends on it."""
