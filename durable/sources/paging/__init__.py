"""Ways in which a source tells its next page, and its last one."""
