"""Entries of Workers that only the bench runs; beside the deployed packages they are `bench`."""
