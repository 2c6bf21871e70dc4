"""How the world fails, in three kinds that answer 'may I try again?'."""


class WorldError(Exception):
    """Something outside failed. `retry_after` is in seconds where it is known."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(WorldError):  # noqa: N818  # the three kinds are named in the style guide
    """Trying again may help."""


class Refused(WorldError):  # noqa: N818  # see above
    """Trying again will not help."""


class Conflict(WorldError):  # noqa: N818  # see above
    """Somebody else was faster: load again and decide again."""
