"""Queries that Salesforce takes, and those that it refuses, each with the rule that says why."""

import pytest

from adapters.starter.salesforce import standard_schema
from domain.salesforce.checking import Finding
from domain.salesforce.schema import SObject
from domain.salesforce.soql.check import MAX_QUERY, check_soql, corrected
from domain.salesforce.soql.cost import explain_request

SCHEMA = standard_schema()

FINE = [
    "SELECT Id, Name FROM Account WHERE OwnerId = '005000000000001' LIMIT 10",
    "select id, name from account where createddate = today",
    "SELECT COUNT() FROM Account WHERE CreatedDate = LAST_N_DAYS:30",
    "SELECT Name, COUNT(Id) total FROM Account GROUP BY Name HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC",
    "SELECT Name n, MAX(CreatedDate) newest FROM Lead GROUP BY Name ORDER BY MAX(CreatedDate)",
    "SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) FROM Case GROUP BY CALENDAR_YEAR(CreatedDate)",
    "SELECT LeadSource, GROUPING(LeadSource), COUNT(Name) FROM Lead GROUP BY ROLLUP(LeadSource)",
    "SELECT Id, (SELECT Id, Email FROM Contacts WHERE Email != null) FROM Account LIMIT 5",
    "SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account LIMIT 5",
    "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Email LIKE 'a%')",
    "SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Opportunity) AND Name LIKE 'A%'",
    "SELECT c.Id, a.Name FROM Contact c, c.Account a WHERE a.OwnerId != null LIMIT 5",
    "SELECT Account.Name, Contact.Owner.Profile.Name FROM Case LIMIT 5",
    "SELECT Owner.Name, What.Type, Who.Email FROM Task WHERE WhoId = '003000000000001AAA'",
    "SELECT TYPEOF What WHEN Account THEN Phone WHEN Lead THEN Title ELSE Name END FROM Event LIMIT 9",
    "SELECT FIELDS(ALL) FROM Account LIMIT 200",
    "SELECT FIELDS(STANDARD) FROM Account LIMIT 2000",
    "SELECT Id FROM Opportunity WHERE CloseDate >= 2024-01-01 AND Amount > 5.5 AND IsClosed = false LIMIT 1",
    "SELECT Id FROM Opportunity WHERE CreatedDate >= 2024-01-01T00:00:00Z AND Amount IN (1, 2) LIMIT 1",
    "SELECT Id FROM Account WHERE DAY_ONLY(CreatedDate) = 2024-01-01 LIMIT 1",
    "SELECT toLabel(Status) s, FORMAT(CreatedDate) d FROM Case LIMIT 5",
    "SELECT Id FROM Account USING SCOPE mine LIMIT 5",
    "SELECT Id FROM Account ORDER BY Name DESC NULLS LAST LIMIT 5 OFFSET 2000",
    "SELECT Id, Region__c, Plan__r.Name FROM Account LIMIT 5",
    "SELECT Title FROM Knowledge__kav WHERE PublishStatus = 'Online' WITH DATA CATEGORY Geo__c AT usa__c",
    "SELECT Id FROM TraceFlag LIMIT 1",
    "FIND {Acme's* OR \\{x\\}} IN NAME FIELDS RETURNING Account(Id, Name WHERE Industry = 'x' LIMIT 5), Lead",
    "FIND {map} IN ALL FIELDS",
    "SELECT Id\nFROM Account\nWHERE Name = 'It\\'s'\nLIMIT 1",
]

REFUSED = [
    ("", "EmptyQuery"),
    ("SELECT * FROM Account", "SelectStar"),
    ("SELECT COUNT(*) FROM Account", "CountStar"),
    ("SELECT DISTINCT Name FROM Account", "Distinct"),
    ("SELECT TOP 5 Name FROM Account", "Top"),
    ("SELECT Id FROM Account a JOIN Contact c ON a.Id = c.AccountId", "Join"),
    ("SELECT Id FROM Account UNION SELECT Id FROM Contact", "Union"),
    ("SELECT COUNT(Id) AS total FROM Account", "AliasWithAs"),
    ("SELECT Id FROM Account WHERE NumberOfEmployees BETWEEN 1 AND 5", "Between"),
    ("SELECT Id FROM Account WHERE Name IS NULL", "IsNull"),
    ("SELECT Id FROM Account WHERE Name IS NOT NULL", "IsNull"),
    ("SELECT Id FROM Account WHERE Name == 'x'", "DoubleEquals"),
    ("SELECT Id FROM Account WHERE Name = 'x' && Type = 'y'", "LogicalSigns"),
    ('SELECT Id FROM Account WHERE Name = "x"', "DoubleQuotes"),
    ("SELECT Id FROM Account WHERE Name = 'x", "UnterminatedString"),
    ("SELECT Id FROM Account;", "Semicolon"),
    ("SELECT `Id` FROM Account", "Backticks"),
    ("SELECT Id FROM Account WHERE Name NOT LIKE 'x%'", "NotLike"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'x'", "NotWithoutParentheses"),
    ("SELECT Id FROM Account WHERE Name = 'a' AND Type = 'b' OR Type = 'c'", "MixedAndOr"),
    ("SELECT Id, Name, FROM Account", "CommaTooMany"),
    ("SELECT Id FROM Account WHERE Name IN ()", "EmptyList"),
    ("SELECT Id FROM Account LIMIT 5 WHERE Name = 'x'", "ClauseOrder"),
    ("SELECT Id FROM Account WHERE Name = 'x' WHERE Type = 'y'", "ClauseTwice"),
    ("SELECT Name FROM Account HAVING COUNT(Id) > 1", "HavingWithoutGroupBy"),
    ("SELECT Id FROM Account ORDER Name", "MissingBy"),
    ("SELECT Id, Name WHERE Name = 'x'", "NoFrom"),
    ("Id FROM Account", "NoSelect"),
    ("SELECT Id FROM Account WHERE (Name = 'x'", "Parentheses"),
    ("SELECT Id FROM Account WHERE Name = 'x')", "Parentheses"),
    ("SELECT Id FROM Account WHERE Name = Acme", "UnquotedText"),
    ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS LIMIT 1", "DateLiteral"),
    ("SELECT Id FROM Task WHERE ActivityDate = LAST_30_DAYS LIMIT 1", "DateLiteral"),
    ("SELECT Id FROM Account WHERE Name CONTAINS 'x'", "UnknownOperator"),
    ("UPDATE Account SET Name = 'x'", "NotAQuery"),
    ("SELECT Id FROM Account WHERE", "syntax"),
    ("SELECT Id Name FROM Account LIMIT 5", "AliasOutsideAggregateQuery"),
    ("SELECT Id, Name, name FROM Account LIMIT 5", "DuplicateField"),
    ("SELECT Name, COUNT(Id) FROM Account", "UngroupedField"),
    ("SELECT Name, Type, COUNT(Id) FROM Account GROUP BY Name", "UngroupedField"),
    ("SELECT CALENDAR_YEAR(CreatedDate), COUNT(Id) FROM Case", "UngroupedField"),
    ("SELECT Name, COUNT(Id) FROM Account GROUP BY Name ORDER BY Type", "UngroupedField"),
    ("SELECT Name, COUNT(Id) FROM Account GROUP BY Name HAVING Type = 'x'", "UngroupedField"),
    ("SELECT Name, (SELECT Id FROM Contacts) FROM Account GROUP BY Name", "SubqueryInAggregateQuery"),
    ("SELECT COUNT(), Name FROM Account", "CountNotAlone"),
    ("SELECT COUNT() FROM Account ORDER BY Name", "CountNotAlone"),
    ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "AggregateInWhere"),
    ("SELECT CreatedDate, COUNT(Id) FROM Case GROUP BY CreatedDate", "NotGroupable"),
    ("SELECT Description, COUNT(Id) FROM Case GROUP BY Description", "NotGroupable"),
    ("SELECT Name, COUNT(Id) FROM Lead GROUP BY ROLLUP(Name, Status, Rating, Title)", "TooManyRollupFields"),
    ("SELECT Name, GROUPING(Name), COUNT(Id) FROM Lead GROUP BY Name", "GroupingWithoutRollup"),
    ("SELECT SUM(Name) FROM Account", "AggregateForType"),
    ("SELECT Id FROM Account WHERE LEN(Name) > 5", "UnknownFunction"),
    ("SELECT FIELDS(ALL) FROM Account", "FieldsWithoutLimit"),
    ("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201", "FieldsWithoutLimit"),
    ("SELECT Id FROM Account LIMIT 5 OFFSET 2001", "OffsetTooLarge"),
    ("SELECT A.B.C.D.E.F.Name FROM Case LIMIT 5", "TooManyParentLevels"),
    ("SELECT Id FROM Account ORDER BY Name FOR UPDATE", "ForUpdateWithOrderBy"),
    ("SELECT COUNT(Id) FROM Account FOR UPDATE", "ForUpdateWithAggregate"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact) OR Name = 'x'", "SemiJoinInOr"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 5)", "SemiJoinWithLimit"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId, Id FROM Contact)", "SemiJoinSelectsOneField"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT Name FROM Contact)", "SemiJoinNeedsId"),
    ("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)", "SemiJoinNeedsId"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)", "SemiJoinOnSameObject"),
    (
        "SELECT Id FROM User WHERE Id IN (SELECT OwnerId FROM Lead WHERE Id IN (SELECT LeadId FROM Task))",
        "NestedSemiJoin",
    ),
    (
        f"SELECT Id FROM Account WHERE {' AND '.join(['Id IN (SELECT AccountId FROM Contact)'] * 3)}",
        "TooManySemiJoins",
    ),
    ("SELECT Id FROM Account WHERE Name = :name LIMIT 5", "BindOutsideApex"),
    ("SELECT Id FROM Account WHERE Name IN (:one, 'x') LIMIT 5", "BindOutsideApex"),
    ("SELECT Id FROM Account LIMIT 5 ALL ROWS", "AllRowsOutsideApex"),
    ("SELECT Id FROM Account WITH USER_MODE LIMIT 5", "AccessModeOutsideApex"),
    ("SELECT Id FROM Contacts LIMIT 5", "UnknownObject"),
    ("FIND {x} IN ALL FIELDS RETURNING Contacts(Id)", "UnknownObject"),
    ("FIND {x} IN ALL FIELDS RETURNING Contact(Nam)", "UnknownField"),
    ("FIND {x} IN SOME FIELDS", "syntax"),
    ("SELECT Id FROM Opportunites LIMIT 5", "UnknownObject"),
    ("SELECT Id FROM Xyzzy LIMIT 5", "UnknownObject"),
    ("SELECT Nam FROM Account LIMIT 5", "UnknownField"),
    ("SELECT Account FROM Contact LIMIT 5", "UnknownField"),
    ("SELECT Contacts FROM Account LIMIT 5", "UnknownField"),
    ("SELECT Account.Foo FROM Contact LIMIT 5", "UnknownField"),
    ("SELECT AccountId.Name FROM Contact LIMIT 5", "UnknownRelationship"),
    ("SELECT Parents.Name FROM Account LIMIT 5", "UnknownRelationship"),
    ("SELECT Id, (SELECT Id FROM Contact) FROM Account LIMIT 5", "UnknownRelationship"),
    ("SELECT Id, (SELECT Id FROM Wheels) FROM Account LIMIT 5", "UnknownRelationship"),
    ("SELECT TYPEOF What WHEN Account THEN Foo END FROM Task LIMIT 5", "UnknownField"),
    ("SELECT TYPEOF Account WHEN Account THEN Phone END FROM Contact LIMIT 5", "TypeofOfOneType"),
    ("SELECT TYPEOF Wheel WHEN Account THEN Phone END FROM Contact LIMIT 5", "UnknownRelationship"),
    ("SELECT Id FROM Account WHERE CreatedDate > '2024-01-01'", "QuotedDate"),
    ("SELECT Id FROM Opportunity WHERE CloseDate = 'TODAY'", "QuotedDate"),
    ("SELECT Id FROM Account WHERE CreatedDate > 2024-01-01", "DateForDatetime"),
    ("SELECT Id FROM Opportunity WHERE CloseDate > 2024-01-01T00:00:00Z", "DatetimeForDate"),
    ("SELECT Id FROM Account WHERE IsDeleted = 'true' LIMIT 1", "QuotedBoolean"),
    ("SELECT Id FROM Account WHERE AnnualRevenue > '5' LIMIT 1", "QuotedNumber"),
    ("SELECT Id FROM Account WHERE Name = 5 LIMIT 1", "UnquotedText"),
    ("SELECT Id FROM Account WHERE Name = TODAY LIMIT 1", "ValueForType"),
    ("SELECT Id FROM Account WHERE ParentId = 'abc'", "BadId"),
    ("SELECT Id FROM Account WHERE AnnualRevenue LIKE '5%' LIMIT 1", "OperatorForType"),
    ("SELECT Id FROM Account WHERE IsDeleted > false LIMIT 1", "OperatorForType"),
    ("SELECT Id FROM Case WHERE Description = 'x' LIMIT 1", "LongTextFilter"),
    ("SELECT Id FROM Account WHERE Name = 'x\x00'", "NulCharacter"),
    (f"SELECT Id FROM Account WHERE Name = '{'x' * MAX_QUERY}'", "QueryTooLong"),
    (f"SELECT Id{', (SELECT Id FROM Contacts)' * 21} FROM Account LIMIT 1", "TooManySubqueries"),
    (f"SELECT Id FROM Account WHERE {'(' * 10_000}Name = 'x'{')' * 10_000}", "NestedTooDeeply"),
    (f"SELECT Id FROM Account WHERE {'NOT(' * 10_000}", "NestedTooDeeply"),
    ("SELECT Id" + ", (SELECT Id" * 6 + " FROM Cases)" * 6 + " FROM Case LIMIT 1", "SubqueryTooDeep"),
]


def errors(query: str, *, in_apex: bool = False) -> list[Finding]:
    return [one for one in check_soql(query, SCHEMA, in_apex=in_apex) if one.severity == "error"]


@pytest.mark.parametrize("query", FINE)
def test_what_salesforce_takes_is_no_error(query: str) -> None:
    assert errors(query) == []


@pytest.mark.parametrize(("query", "rule"), REFUSED, ids=range(len(REFUSED)))
def test_what_salesforce_refuses_is_named_with_its_mend(query: str, rule: str) -> None:
    found = errors(query)

    assert rule in {one.rule for one in found}
    assert all(one.fix for one in found)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Id FROM Account WHERE Name = :name ALL ROWS",
        "SELECT Id FROM Account WHERE Id IN :ids WITH USER_MODE",
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Email = :mail)",
    ],
)
def test_in_apex_variables_and_modes_may_stand(query: str) -> None:
    assert errors(query) != []
    assert errors(query, in_apex=True) == []


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("SELECT Id FROM Account", "AvoidNonRestrictiveQueries"),
        ("SELECT Id FROM Account WHERE Name LIKE '%x'", "LeadingWildcard"),
        ("SELECT Id FROM Account WHERE Type != 'x'", "NegativeFilter"),
        ("SELECT Id FROM Account WHERE Industry = 'x'", "NotSelective"),
        ("SELECT Id FROM Account WHERE Name = 'x' OR Industry = 'y'", "NotSelective"),
        ("SELECT Id FROM Account WHERE NOT (Name = 'x')", "NotSelective"),
        ("SELECT Id FROM Account WHERE Name = null", "NotSelective"),
    ],
)
def test_what_will_be_slow_is_a_warning(query: str, rule: str) -> None:
    found = check_soql(query, SCHEMA)

    assert rule in {one.rule for one in found if one.severity == "warning"}


def test_a_filter_that_an_index_serves_is_no_warning() -> None:
    assert check_soql("SELECT Id FROM Account WHERE Industry = 'x' AND Name = 'y'", SCHEMA) == ()


def test_what_only_the_org_knows_is_not_called_wrong() -> None:
    query = "SELECT Plan__c, Owner__r.Name, (SELECT Id FROM Parts__r) FROM Account WHERE Plan__c = 5 LIMIT 1"

    found = check_soql(query, SCHEMA)

    assert {(one.rule, one.severity) for one in found if one.severity != "warning"} == {
        ("CannotJudge", "info")
    }
    assert [one.column for one in found if one.severity == "info"] == [8, 17, 48]


def test_a_describe_of_the_org_lets_custom_names_be_judged() -> None:
    plan = SObject(
        "Plan__c", {"Id": "id", "Fee__c": "number"}, {"Owner": "*"}, {"Parts__r": "Part__c"}, complete=True
    )
    schema = SCHEMA.with_described([plan])

    right = check_soql("SELECT Fee__c, Owner.Name, (SELECT Id FROM Parts__r) FROM Plan__c LIMIT 1", schema)
    wrong = check_soql("SELECT Fees__c FROM plan__c WHERE Fee__c = '5'", schema)

    assert {one.severity for one in right} <= {"info"}
    assert {one.rule for one in wrong if one.severity == "error"} == {"QuotedNumber", "UnknownField"}
    assert "Fee__c" in next(one.fix for one in wrong if one.rule == "UnknownField")


def test_places_are_those_of_the_query_on_any_line() -> None:
    [found] = errors("SELECT Id,\n  Nam\nFROM Account LIMIT 1")

    assert (found.line, found.column) == (2, 3)
    assert found.fix == "Did you mean Name?"


def test_the_plan_of_a_query_can_be_asked_for() -> None:
    request = explain_request("SELECT Id\nFROM Account WHERE Name = 'x'")

    assert request.endswith("?explain=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20%3D%20%27x%27")


@pytest.mark.parametrize(
    ("query", "better"),
    [
        ("SELECT * FROM Contacts;", "SELECT FIELDS(STANDARD) FROM Contact"),
        ("SELECT Id Nam FROM Account LIMIT 5", "SELECT Id, Name FROM Account LIMIT 5"),
        (
            "SELECT Id, (SELECT LastNam FROM Contact) FROM Acount LIMIT 1",
            "SELECT Id, (SELECT LastName FROM Contacts) FROM Account LIMIT 1",
        ),
        (
            "SELECT Id FROM Account WHERE Name == \"It's\" && CreatedDate > '2024-01-01'",
            "SELECT Id FROM Account WHERE Name = 'It\\'s' AND CreatedDate > 2024-01-01T00:00:00Z",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate = last_7_days",
            "SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:7",
        ),
        ("SELECT Id FROM Lead WHERE Name IS NOT NULL", "SELECT Id FROM Lead WHERE Name != NULL"),
        ("SELECT COUNT(*) FROM Lead WHERE Name = Acme", "SELECT COUNT(Id) FROM Lead WHERE Name = 'Acme'"),
        ("SELECT Id FROM Lead WHERE IsConverted = 'true'", "SELECT Id FROM Lead WHERE IsConverted = true"),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = 'TODAY'",
            "SELECT Id FROM Opportunity WHERE CloseDate = TODAY",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate > 2024-01-01T00:00:00Z AND Amount > '5.5'",
            "SELECT Id FROM Opportunity WHERE CloseDate > 2024-01-01 AND Amount > 5.5",
        ),
        (
            "SELECT Name,\n  Owner__r.Name,\n  AccountId.Name\nFROM Contact\nLIMIT 1",
            "SELECT Name,\n  Owner__r.Name,\n  Account.Name\nFROM Contact\nLIMIT 1",
        ),
        ("SELECT Id FROM Lead LIMIT 1 ALL ROWS", "SELECT Id FROM Lead LIMIT 1"),
        ("SELECT Id FROM Lead LIMIT 1", "SELECT Id FROM Lead LIMIT 1"),
    ],
)
def test_a_query_is_mended_where_it_is_clear_what_was_meant(query: str, better: str) -> None:
    assert corrected(query, SCHEMA) == better
    assert errors(better) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Name, COUNT(Id) FROM Account",
        "SELECT Id, Xyzzy FROM Account LIMIT 1",
        "SELECT Id FROM Account WHERE Amount > 'five'",
        "SELECT Id FROM Case WHERE CreatedDate > 'soon'",
        "SELECT Id FROM Account WHERE Name = 'a' AND Type = 'b' OR Type = 'c'",
        "INSERT INTO Account VALUES (1)",
    ],
)
def test_nothing_is_guessed(query: str) -> None:
    assert corrected(query, SCHEMA) is None
