"""What has happened, and how much: for whoever looks after the jobs. No job depends on it."""
