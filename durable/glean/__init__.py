"""The destination."""
