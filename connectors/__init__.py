"""The connectors of this deployment: one file each, with a `connector` in it."""
