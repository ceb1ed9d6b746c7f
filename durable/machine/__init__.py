"""Decide. Pure: from a job and what happened to it, the job after it and what is to be done."""
