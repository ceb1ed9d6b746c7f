"""Whether Glean holds what was sent, found out after a job's success."""
