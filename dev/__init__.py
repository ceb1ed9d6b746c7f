"""What runs on a developer's machine. Never deployed."""
