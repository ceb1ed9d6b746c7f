"""Remember: the object's SQLite and its alarm."""
