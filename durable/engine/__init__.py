"""Do: the only folder that awaits a job's work."""
