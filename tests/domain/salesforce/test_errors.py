"""Errors in pasted text, and what is known of them."""

import json
import re

import pytest

from adapters.starter.salesforce import error_causes
from domain.salesforce.errors import MAX_FOUND, Explained, explained

CAUSES = error_causes()
STACK = """System.NullPointerException: Attempt to de-reference a null object

Class.AccountService.rename: line 12, column 5
Trigger.AccountTrigger: line 3, column 1"""


def found_in(text: str) -> tuple[Explained, ...]:
    return explained(text, CAUSES)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('[{"message":"bad","errorCode":"DUPLICATE_VALUE","fields":["Email"]}]', ["DUPLICATE_VALUE"]),
        ('we get {"error":"invalid_grant","error_description":"expired"} all day', ["invalid_grant"]),
        ('{"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"x"}]}', ["STRING_TOO_LONG"]),
        (
            '{"compositeResponse":[{"body":[{"errorCode":"INVALID_FIELD"}]},{"body":[{"errorCode":"NOT_FOUND"}]}]}',
            ["INVALID_FIELD", "NOT_FOUND"],
        ),
        (
            "<faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: no</faultstring>",
            ["INVALID_LOGIN"],
        ),
        ("<statusCode>INVALID_FIELD</statusCode><message>No such column</message>", ["INVALID_FIELD"]),
        (STACK, ["System.NullPointerException"]),
        ("Error: QueryException: List has no rows for assignment to SObject", ["System.QueryException"]),
        (
            "System.DmlException: Insert failed. First exception on row 0; first error: NOT_FOUND, x: []",
            ["System.DmlException", "NOT_FOUND"],
        ),
        ("why UNABLE_TO_LOCK_ROW every night? UNABLE_TO_LOCK_ROW!", ["UNABLE_TO_LOCK_ROW"]),
        ("the batch says InvalidBatch : Field name not found", ["InvalidBatch"]),
        ("I can't log in to SalesForce", []),
        ("MAX_RETRY_COUNT is 5", []),
        ('{"a": [1, 2', []),
    ],
)
def test_errors_are_found_in_every_form(text: str, codes: list[str]) -> None:
    assert [one.code for one in found_in(text)] == codes


def test_an_error_has_its_words_fields_cause_and_mend() -> None:
    [one] = found_in(
        '[{"message":"Missing: [LastName]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]'
    )

    assert (one.said, one.fields) == ("Missing: [LastName]", ("LastName",))
    assert one.cause == CAUSES["REQUIRED_FIELD_MISSING"].cause
    assert one.fix


def test_a_stack_trace_names_the_line_of_the_code() -> None:
    [one] = found_in(STACK)

    assert [(place.where, place.line, place.column) for place in one.places] == [
        ("Class.AccountService.rename", 12, 5),
        ("Trigger.AccountTrigger", 3, 1),
    ]


def test_the_message_of_a_limit_decides_the_mend() -> None:
    queries, rows, other = (
        found_in(f"System.LimitException: {said}")[0]
        for said in ("Too many SOQL queries: 101", "Too many DML statements: 151", "Too many of something")
    )

    assert "100" in queries.fix
    assert len({queries.fix, rows.fix, other.fix}) == 3


def test_an_unknown_error_is_told_as_it_is() -> None:
    [one] = found_in('[{"errorCode":"BRAND_NEW_ERROR","message":"x"}]')

    assert (one.code, one.cause, one.fix) == ("BRAND_NEW_ERROR", "", "")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '[{"a":' * 20_000, json.dumps([{"errorCode": f"E{n}"} for n in range(999)])]
)
def test_whatever_is_pasted_an_answer_comes(text: str) -> None:
    assert len(found_in(text)) <= MAX_FOUND


def test_the_catalogue_is_whole() -> None:
    assert len(CAUSES) > 200
    for code, known in CAUSES.items():
        assert known.area in {"api", "apex", "bulk", "login", "oauth"}, code
        assert known.cause.endswith((".", "?")), code
        assert known.fix.endswith((".", "?")), code
        assert max(map(len, (known.cause, known.fix, known.check))) < 400, code
        assert not re.search(r"\s{2}|\bhttps?://", known.cause + known.fix), code
