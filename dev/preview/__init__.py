"""A little of a live source, and the documents that come of it. Nothing is sent to Glean."""
