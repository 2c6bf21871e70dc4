"""Apex that is right, and what is found in Apex that is not."""

import pytest

from adapters.starter.salesforce import apex_library, standard_schema
from domain.salesforce.apex.check import check_apex
from domain.salesforce.checking import Finding
from domain.salesforce.syntax import MAX_CODE

FINE = """
public with sharing class AccountService {
    public enum Mode { FAST, SAFE }
    private static final String ENDPOINT = 'https://example.com';
    public Integer count { get; private set; }
    public static void rename(List<Account> accounts, String name) {
        Map<Id, Account> known = new Map<Id, Account>([SELECT Id, Name FROM Account WHERE Id IN :accounts]);
        for (Account one : accounts) {
            one.Name = String.isBlank(name) ? known.get(one.Id).Name : name.trim();
        }
        update as user accounts;
        for (Contact each : [SELECT Id, Email FROM Contact WHERE AccountId IN :known.keySet()]) {
            System.debug(LoggingLevel.INFO, each.Email + Mode.FAST.name() + Date.today().addDays(3));
        }
        List<Lead> found = Database.query('SELECT Id FROM Lead WHERE Name = :name', AccessLevel.USER_MODE);
        HttpRequest request = new HttpRequest();
        request.setEndpoint('callout:Billing/invoices');
        HttpResponse answer = new Http().send(request);
        try {
            Messaging.SingleEmailMessage mail = new Messaging.SingleEmailMessage();
            Messaging.sendEmail(new List<Messaging.Email>{ mail });
        } catch (EmailException problem) {
            throw new AuraHandledException(problem.getMessage());
        }
    }
}
"""

LOOPS = [
    ("for (Account a : accounts) { update a; }", "DML"),
    ("for (Account a : accounts) { Database.insert(a); }", "DML"),
    ("for (Id one : ids) { Account a = [SELECT Id FROM Account WHERE Id = :one]; }", "A query"),
    ("for (Id one : ids) { Database.query('SELECT Id FROM Account WHERE Id = :one'); }", "A query"),
    (
        "while (more()) { List<List<SObject>> found = [FIND 'x' IN ALL FIELDS RETURNING Lead]; }",
        "A SOSL search",
    ),
    ("do { Http h = new Http(); h.send(new HttpRequest()); } while (true);", "A callout"),
    ("for (Integer i = 0; i < 9; i++) { Messaging.sendEmail(mails); }", "Messaging.sendEmail"),
    ("for (Id one : ids) { System.enqueueJob(new Job(one)); }", "A job"),
    ("for (Id one : ids) { Schema.getGlobalDescribe(); }", "A describe"),
    ("for (Id one : ids) { load(one); }", "load() does a query"),
    ("for (Id one : ids) { Demo.outer(one); }", "outer() does a query"),
    ("for (Id one : ids) { this.later(one); }", "later() does a job"),
]

WRONG = [
    ("public class A { void f() { Integer limit = 1; } }", "ReservedWord"),
    ("public class A { void f(String select) { } }", "ReservedWord"),
    ("public class A { void f(List<> x) { } }", "EmptyTypeArguments"),
    ("public class A { void f() { 5; } }", "ValueAsStatement"),
    ("public class A { void f() { try { g(); } } }", "syntax"),
    ("public class A { void f() { String s = 'a'; s.leftTrim(); } }", "UnknownMethod"),
    ("public class A { void f() { 'a'.uppercase(); } }", "UnknownMethod"),
    ("public class A { void f() { Database.insertAll(x); } }", "UnknownMethod"),
    ("public class A { void f() { System.Database.insertAll(x); } }", "UnknownMethod"),
    ("public class A { void f() { Limits.getQuerys(); } }", "UnknownMethod"),
    ("public class A { void f() { List<Id> x; x.push(y); } }", "UnknownMethod"),
    ("public class A { void f() { Math.max(1); } }", "WrongArguments"),
    ("public class A { void f() { Object m = new Messaging.EmailMessage(); } }", "UnknownClass"),
    ("public class A { void f() { List<Account> x = [SELECT Nam FROM Account LIMIT 1]; } }", "UnknownField"),
    (
        "public class A { void f() { x = [SELECT Id FROM Lead WITH SECURITY_ENFORCED LIMIT 1]; } }",
        "SecurityEnforcedRemoved",
    ),
    ("public class A { void f(Account a) { a.EmployeeCount = 5; } }", "UnknownField"),
    ("public class A { void f() { Account a = new Account(Nam = 'x'); } }", "UnknownField"),
    ("public class A { void f() { StringBuilder b = new StringBuilder(); } }", "UnknownClass"),
    ("public class A { void f( { } }", "syntax"),
    ("public class A { // \x00\n }", "NulCharacter"),
    ("public class A { /* x }", "UnterminatedComment"),
    ("public class A { String s = 'x;\n }", "UnterminatedString"),
    ("/*" + "x" * MAX_CODE + "*/", "TooLong"),
]

DOUBTFUL = [
    (
        "String q = 'SELECT Id FROM Lead WHERE Name = \\'' + name + '\\''; Database.query(q);",
        "ApexSOQLInjection",
    ),
    ("Database.query('SELECT Id FROM Lead WHERE Name = \\'' + input.name + '\\'');", "ApexSOQLInjection"),
    ("String q; q = 'SELECT Id FROM ' + name; Database.countQuery(q);", "ApexSOQLInjection"),
    ("Id one = '00530000001AbCd';", "AvoidHardcodingId"),
    ("String url = 'http://example.com';", "ApexInsecureEndpoint"),
    (
        "HttpRequest r = new HttpRequest(); r.setHeader('Authorization', 'Basic x');",
        "ApexSuggestUsingNamedCred",
    ),
    ("try { go(); } catch (Exception e) { }", "EmptyCatchBlock"),
    ("List<Account> x = [SELECT Id FROM Account];", "AvoidNonRestrictiveQueries"),
]


def found_in(code: str, version: int = 67) -> tuple[Finding, ...]:
    return check_apex(code, standard_schema(), apex_library(), version)


def in_class(statements: str, version: int = 67) -> tuple[Finding, ...]:
    return found_in(
        f"""public with sharing class Demo {{
    void run(List<Account> accounts, List<Id> ids, String name, Input input) {{
        {statements}
    }}
    static void outer(Id one) {{ load(one); }}
    static void load(Id one) {{ Account a = [SELECT Id FROM Account WHERE Id = :one]; }}
    @future static void later(Id one) {{ }}
}}""",
        version,
    )


def rules(found: tuple[Finding, ...]) -> set[str]:
    return {one.rule for one in found}


def test_nothing_is_found_in_careful_code() -> None:
    assert found_in(FINE) == ()


def test_statements_alone_and_unknown_classes_can_be_checked() -> None:
    assert found_in("Billing.Client c = new Billing.Client(); c.pay(5); Helper.anything(c, 1);") == ()


@pytest.mark.parametrize(("statements", "what"), LOOPS)
def test_what_a_loop_spends_is_told_with_its_limit(statements: str, what: str) -> None:
    [one] = [one for one in in_class(statements) if "Loop" in one.rule]

    assert one.message.startswith(what)
    assert (one.line, one.severity) == (3, "warning")
    assert one.fix


def test_what_a_loop_goes_through_is_spent_once() -> None:
    found = in_class("for (Lead one : [SELECT Id FROM Lead LIMIT 9]) { count(one); }")

    assert not any("Loop" in one.rule for one in found)


def test_the_numbers_of_both_kinds_of_transaction_are_told() -> None:
    [one] = [one for one in in_class("for (Id i : ids) { load(i); }") if "Loop" in one.rule]

    assert "200 of 100 allowed (200 asynchronously)" in one.message


@pytest.mark.parametrize(("code", "rule"), WRONG, ids=range(len(WRONG)))
def test_what_does_not_compile_is_an_error(code: str, rule: str) -> None:
    assert rule in {one.rule for one in found_in(code) if one.severity == "error"}


def test_a_method_that_is_meant_is_named() -> None:
    [one] = found_in("public class A { void f() { Limits.getQuerie(); } }")

    assert (one.line, one.column, one.fix) == (1, 36, "Did you mean getQueries?")


@pytest.mark.parametrize(("statements", "rule"), DOUBTFUL, ids=range(len(DOUBTFUL)))
def test_what_works_and_should_not_be_so_is_a_warning(statements: str, rule: str) -> None:
    assert rule in {one.rule for one in in_class(statements) if one.severity == "warning"}


@pytest.mark.parametrize(
    "statements",
    [
        "Database.query('SELECT Id FROM Lead WHERE Name = \\'' + String.escapeSingleQuotes(name) + '\\'');",
        "Integer n = 5; Database.query('SELECT Id FROM Lead LIMIT ' + n);",
        "String q = 'SELECT Id FROM Lead WHERE Name = :name LIMIT 1'; Database.query(q);",
    ],
)
def test_a_clean_dynamic_query_is_no_injection(statements: str) -> None:
    assert "ApexSOQLInjection" not in rules(in_class(statements))


def test_rights_and_sharing_depend_on_the_api_version() -> None:
    code = "public class A { void f() { insert x; y = [SELECT Id FROM Lead WITH USER_MODE LIMIT 1]; } }"

    assert {"ApexSharingViolations", "ApexCRUDViolation"} <= rules(found_in(code, 66))
    assert not {"ApexSharingViolations", "ApexCRUDViolation"} & rules(found_in(code, 67))


def test_rights_that_the_code_checks_itself_are_no_finding() -> None:
    code = "public with sharing class A { void f() { if (x.isAccessible()) { insert x; } } }"

    assert found_in(code, 60) == ()


TEST = """@IsTest
private class AccountServiceTest {
    @IsTest static void renames() { AccountService.rename(null, 'x'); %s }
    static void check() { System.assertEquals(1, 2); }
}"""


@pytest.mark.parametrize(
    ("body", "asserts"), [("", False), ("Assert.areEqual(1, 2, 'x');", True), ("check();", True)]
)
def test_a_test_without_an_assert_is_found(body: str, asserts: bool) -> None:
    assert ("ApexUnitTestClassShouldHaveAsserts" in rules(found_in(TEST % body))) is not asserts


def test_a_test_that_sees_all_data_is_found() -> None:
    code = "@IsTest(SeeAllData=true) private class T { static testMethod void f() { Assert.isTrue(true); } }"

    assert rules(found_in(code)) == {"ApexUnitTestShouldNotUseSeeAllDataTrue"}


def test_a_trigger_with_logic_or_for_one_record_is_found() -> None:
    code = "trigger T on Account (before insert) { Account a = Trigger.new[0]; update x; }"

    assert rules(found_in(code)) == {"AvoidLogicInTrigger", "AvoidDirectAccessTriggerMap"}


HOSTILE = [
    "public class A { void f() { Integer x = " + "(" * 10_000 + "1" + ")" * 10_000 + "; } }",
    "public class A { void f() { " + "{" * 10_000 + "}" * 10_000 + " } }",
    "public class A { void f() { x = " + "(" * 10_000,
    "public class A { void f() { " + "for (Id i : x) {" * 1_000 + "insert y;" + "}" * 1_000 + " } }",
    "public class A { void f() { Database.query(" + " + ".join(["a"] * 10_000) + "); } }",
    "public class A { " + "".join(f"void f{n}() {{ f{n + 1}(); }} " for n in range(2_000)) + "}",
    "public class A { /* " + "x " * 200_000,
    "<html><script>var a = 1;</script></html>" * 500,
    "function f() { return `${a}`; }",
    "class A {",
    "\ud7ff\u200b\U0001f600",
]


@pytest.mark.parametrize("code", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_pasted_an_answer_comes(code: str) -> None:
    assert len(found_in(code)) <= 20


def test_fields_that_are_there_or_cannot_be_known_are_no_error() -> None:
    code = """public class A {
    class Lead { Integer height; }
    void f(Account a, Lead l, Foo__c c, SObject s) {
        a.Name = a.Owner.Name + a.Plan__c + a.Contacts.size() + a.Parts__r + Account.SObjectType;
        l.height = 5;
        c.Anything = 1;
        Contact person = new Contact(LastName = 'x', Level__c = 2, Account = a);
    }
}"""

    assert found_in(code) == ()
