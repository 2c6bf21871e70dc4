"""Errors carry a stable code for programs and a sentence for people."""

from domain.errors import DomainError, NotFoundError


def test_what_does_not_exist_is_named_and_nothing_more() -> None:
    error = NotFoundError("conversation")

    assert isinstance(error, DomainError)
    assert (error.code, str(error)) == ("conversation_not_found", "There is no such conversation.")
    assert error.details == {}


def test_an_error_keeps_its_own_copy_of_the_details() -> None:
    details: dict[str, object] = {"max": 5}
    error = DomainError("too_many", "Too many.", details)

    details["max"] = 6

    assert error.details == {"max": 5}
