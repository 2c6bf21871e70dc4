"""Entities, with their exact places."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import gazetteer as starter_gazetteer
from domain.nlu.entities import MAX_ENTITIES, Entity, EntityFinder, EntityType, Gazetteer

NAMES = Gazetteer(
    {
        "sales cloud": (EntityType.PRODUCT, "Sales Cloud"),
        "sales": (EntityType.PRODUCT, "Sales"),
        "opportunity": (EntityType.SALESFORCE_OBJECT, "Opportunity"),
        "opportunities": (EntityType.SALESFORCE_OBJECT, "Opportunity"),
        "okta": (EntityType.ORG, "Okta"),
        "ada lovelace": (EntityType.PERSON, "Ada Lovelace"),
        "c++": (EntityType.PRODUCT, "C++"),
    }
)
FINDER = EntityFinder(NAMES)
STARTER = EntityFinder(starter_gazetteer())


@pytest.mark.parametrize(
    ("text", "kind", "found", "value"),
    [
        ("run `Id x = null;` now", "CODE", "`Id x = null;`", "Id x = null;"),
        (
            "see ```apex\nint i;\n\nint j;``` here",
            "CODE",
            "```apex\nint i;\n\nint j;```",
            "apex\nint i;\n\nint j;",
        ),
        ("I ran select Id from Account today?", "CODE", "select Id from Account", "select Id from Account"),
        (
            "SELECT Id FROM Case WHERE Status = 'New'. Why?",
            "CODE",
            "SELECT Id FROM Case WHERE Status = 'New'",
            "SELECT Id FROM Case WHERE Status = 'New'",
        ),
        ("GET /services/data/v60.0/sobjects/. Why?", "API_ENDPOINT", "/services/data/v60.0/sobjects/", None),
        ("call /services/apexrest/{id}", "API_ENDPOINT", "/services/apexrest/{id}", None),
        ("a NullPointerException again", "ERROR", "NullPointerException", None),
        ("System.LimitException: 101", "ERROR", "System.LimitException", None),
        ("got UNABLE_TO_LOCK_ROW.", "ERROR", "UNABLE_TO_LOCK_ROW", None),
        ("too many SOQL queries: 101 again", "ERROR", "too many SOQL queries: 101", None),
        ("Too many DML statements", "ERROR", "Too many DML statements", None),
        ("the event Order_Placed__e fires", "SALESFORCE_OBJECT", "Order_Placed__e", None),
        ("read My_Setting__mdt now", "SALESFORCE_OBJECT", "My_Setting__mdt", None),
        ("my OPPORTUNITIES vanish", "SALESFORCE_OBJECT", "OPPORTUNITIES", "Opportunity"),
        ("the field Amount__c is empty", "FIELD_NAME", "Amount__c", None),
        ("use Invoice__c.Total__c here", "FIELD_NAME", "Invoice__c.Total__c", None),
        ("use Account.Name here", "FIELD_NAME", "Account.Name", None),
        ("follow Account__r there", "FIELD_NAME", "Account__r", None),
        ("on 2026-11-22 at noon", "DATE", "2026-11-22", None),
        ("at 2026-11-22T09:30:00Z sharp", "DATE", "2026-11-22T09:30:00Z", None),
        ("since Last Week it fails", "DATE", "Last Week", "last week"),
        ("Yesterday it worked", "DATE", "Yesterday", "yesterday"),
        ("in Sales Cloud only", "PRODUCT", "Sales Cloud", "Sales Cloud"),
        ("through OKTA only", "ORG", "OKTA", "Okta"),
        ("ask Ada Lovelace please", "PERSON", "Ada Lovelace", "Ada Lovelace"),
    ],
)
def test_each_type_is_found_at_its_exact_place(text: str, kind: str, found: str, value: str | None) -> None:
    [entity] = [entity for entity in FINDER.find(text) if entity.type == kind]

    assert entity == Entity(
        EntityType(kind), found, value or found, text.index(found), text.index(found) + len(found)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing special happened here.",
        "I like selections from a menu",
        "ABC_ is short, AB_CD is too",
        "the year 2026 and 1-2-3",
        "salesman and opportunitys",
        "a lone ` tick",
    ],
)
def test_ordinary_words_are_no_entities(text: str) -> None:
    assert FINDER.find(text) == ()


def test_a_longer_name_wins_over_a_shorter_one_within_it() -> None:
    assert [entity.value for entity in FINDER.find("Sales Cloud and sales")] == ["Sales Cloud", "Sales"]


def test_what_stands_in_code_is_code_only() -> None:
    found = FINDER.find("Run `System.NullPointerException on Opportunity` today")

    assert [(entity.type, entity.text) for entity in found] == [
        (EntityType.CODE, "`System.NullPointerException on Opportunity`"),
        (EntityType.DATE, "today"),
    ]


def test_entities_come_in_the_order_of_the_text() -> None:
    found = FINDER.find("Okta broke Amount__c yesterday with UNABLE_TO_LOCK_ROW in `x`")

    assert [entity.type for entity in found] == [
        EntityType.ORG,
        EntityType.FIELD_NAME,
        EntityType.DATE,
        EntityType.ERROR,
        EntityType.CODE,
    ]


def test_at_most_twenty_entities_are_kept_and_the_first_ones() -> None:
    found = FINDER.find(" ".join(f"Field{number}__c" for number in range(30)))

    assert [entity.text for entity in found] == [f"Field{number}__c" for number in range(20)]


def test_entities_may_touch() -> None:
    found = FINDER.find("`a``b`Okta`c`")

    assert [entity.text for entity in found] == ["`a`", "`b`", "Okta", "`c`"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("my opportun\u0131ty is gone", id="dotless i"),
        pytest.param("OPPORTUN\u0130TY", id="capital i with a dot"),
        pytest.param("sale\u017f cloud", id="long s"),
        pytest.param("o\u212ata", id="Kelvin sign"),
    ],
)
def test_letters_that_only_fold_to_a_name_do_no_harm(text: str) -> None:
    for entity in FINDER.find(text):
        assert text[entity.start : entity.end] == entity.text


def test_without_names_the_patterns_still_find() -> None:
    found = EntityFinder(Gazetteer({})).find("Amount__c is empty")

    assert [entity.text for entity in found] == ["Amount__c"]


PIECES = st.sampled_from(
    [
        "`code`",
        "```",
        "select Id from Account where Name = 'x'",
        "/services/data/v60.0",
        "System.DmlException",
        "UNABLE_TO_LOCK_ROW",
        "Too many SOQL queries: 101",
        "Order__e",
        "Account.Name__c",
        "Invoice__c",
        "2026-11-22",
        "last month",
        "Sales Cloud",
        "opportunities",
        "salesforce.com",
        "\N{GRINNING FACE}",
    ]
)
MESSAGE = st.lists(PIECES | st.text(max_size=6), max_size=40).map(" ".join)


@given(MESSAGE)
def test_entities_never_overlap_and_quote_the_text(text: str) -> None:
    found = STARTER.find(text)

    assert len(found) <= MAX_ENTITIES
    assert all(text[entity.start : entity.end] == entity.text for entity in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("our opportunity products", EntityType.SALESFORCE_OBJECT, "OpportunityLineItem"),
        ("an account record", EntityType.SALESFORCE_OBJECT, "Account"),
        ("in Service Cloud", EntityType.PRODUCT, "Service Cloud"),
        ("from HubSpot", EntityType.ORG, "HubSpot"),
    ],
)
def test_the_starter_names_are_known(text: str, kind: EntityType, value: str) -> None:
    assert (kind, value) in [(entity.type, entity.value) for entity in STARTER.find(text)]
