"""What a connector's author declares."""
