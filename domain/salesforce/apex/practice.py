"""What makes Apex hard to trust: tests without asserts, swallowed errors, logic in triggers. PMD's names."""

from collections.abc import Iterator

from domain.salesforce.apex.outline import Outline, above, annotations, modifiers, name_of
from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import warning
from domain.salesforce.syntax import Node, text, walk

LOGIC = frozenset(
    {"query_expression", "dml_expression", "enhanced_for_statement", "for_statement", "while_statement"}
)


def careless(outline: Outline) -> Iterator[Finding]:
    """Everything found in one piece of code."""
    for look in (_tests, _caught, _trigger, _first_record):
        yield from look(outline)


def _tests(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("class_declaration", "method_declaration"):
        if "true" in annotations(node).get("istest", "").lower() and "seealldata" in text(node).lower():
            message = "SeeAllData=true lets the test depend on the org's data."
            fix = "Make the records in @TestSetup, and drop SeeAllData."
            yield warning(outline.at(node), "ApexUnitTestShouldNotUseSeeAllDataTrue", message, fix)
    for node in outline.of("method_declaration"):
        if _is_test(node) and not _asserts(node, outline):
            message = f"The test {name_of(node)} asserts nothing, so it cannot fail on a wrong result."
            fix = "Add Assert.areEqual(expected, actual, 'what it means')."
            yield warning(outline.at(node), "ApexUnitTestClassShouldHaveAsserts", message, fix)


def _is_test(node: Node) -> bool:
    return "istest" in annotations(node) or "testmethod" in modifiers(node)


def _asserts(node: Node, outline: Outline) -> bool:
    """Whether a test checks something, itself or in a method that it calls."""
    called = [one for one in walk(node) if one.type == "method_invocation"]
    names = {name_of(one) for one in called}
    if any("assert" in text(one).lower() for one in called):
        return True
    inner = [method for name in names for method in outline.methods.get(name, ()) if method != node]
    return any("assert" in text(one).lower() for one in inner)


def _caught(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("catch_clause"):
        body = node.child_by_field_name("body")
        if body is not None and not body.named_children:
            message = "The exception is swallowed: nobody learns that this failed."
            yield warning(
                outline.at(node), "EmptyCatchBlock", message, "Log it, tell the user, or throw it again."
            )


def _trigger(outline: Outline) -> Iterator[Finding]:
    trigger = outline.trigger
    if trigger is None:
        return
    first = next((one for one in walk(trigger) if one.type in LOGIC), None)
    if first is not None:
        message = "The trigger does the work itself, which cannot be tested or ordered apart."
        yield warning(outline.at(first), "AvoidLogicInTrigger", message, "Move the work to a handler class.")


def _first_record(outline: Outline) -> Iterator[Finding]:
    for node in outline.of("array_access"):
        target = next(iter(node.named_children), None)
        if target is None or text(target).lower() not in {"trigger.new", "trigger.old"}:
            continue
        if above(node, "for_statement", "while_statement") is None:
            message = f"{text(node)} is one record of up to 200 that come at once."
            yield warning(outline.at(node), "AvoidDirectAccessTriggerMap", message, "Loop over Trigger.new.")
