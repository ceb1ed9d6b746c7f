"""The only connector of the bench's Worker; never deployed."""
