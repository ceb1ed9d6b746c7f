class RefusedError(Exception):
    """The request is refused as a whole, with a plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
