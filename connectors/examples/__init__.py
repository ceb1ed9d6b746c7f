"""Connectors to copy. None of them is deployed: a connector lies in the folder above."""
