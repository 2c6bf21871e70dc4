"""What a loop spends of the governor limits (Apex Developer Guide: execution governors and limits)."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from domain.salesforce.apex.outline import LOOPS, Outline, annotations, name_of
from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import warning
from domain.salesforce.syntax import Node, text

RECORDS = 200
"""Records that a trigger is given at once."""


class Limit(Struct, frozen=True):
    """How often a transaction may do something, `sync` and asynchronous, and how to do it less often."""

    what: str
    sync: int
    later: int
    fix: str


LIMITS = {
    "soql": Limit("a query", 100, 200, "Query once before the loop, into a map by Id."),
    "sosl": Limit("a SOSL search", 20, 20, "Search once before the loop."),
    "dml": Limit("DML", 150, 150, "Collect the records in a list, and save it once after the loop."),
    "callout": Limit("a callout", 100, 100, "Send one request for all records, or use Queueable jobs."),
    "email": Limit("Messaging.sendEmail", 10, 10, "Collect the messages, and send them once after the loop."),
    "async": Limit("a job", 50, 1, "Collect the ids, and start one job for all of them."),
    "describe": Limit("a describe", 0, 0, "Describe once before the loop: it costs much CPU time."),
}
CALLS = {
    "database": {
        **dict.fromkeys(
            ("query", "querywithbinds", "getquerylocator", "countquery", "countquerywithbinds"), "soql"
        ),
        **dict.fromkeys(("insert", "update", "upsert", "delete", "undelete", "merge", "convertlead"), "dml"),
        "executebatch": "async",
    },
    "eventbus": {"publish": "dml"},
    "search": {"query": "sosl", "find": "sosl"},
    "messaging": {"sendemail": "email"},
    "system": {"enqueuejob": "async", "schedule": "async", "schedulebatch": "async"},
    "schema": {"getglobaldescribe": "describe", "describesobjects": "describe"},
}
"""What standard methods spend, by class and method."""


class Spending:
    """What every method of a piece of code spends, itself or through the methods that it calls."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline

    def findings(self) -> Iterator[Finding]:
        """Everything that a loop spends in each round; each place once."""
        said: set[tuple[int, str]] = set()
        for node in self._outline.of(*SPENDERS):
            if not _in_loop(node):
                continue
            for kind, through in self._of(node).items():
                if (node.start_byte, kind) not in said:
                    said.add((node.start_byte, kind))
                    yield self._finding(node, kind, through)

    def _finding(self, node: Node, kind: str, through: str) -> Finding:
        limit = LIMITS[kind]
        rule = "OperationWithHighCostInLoop" if kind == "describe" else "OperationWithLimitsInLoop"
        by = f"{through} does {limit.what}" if through else f"{limit.what[:1].upper()}{limit.what[1:]}"
        message = f"{by} in each round of the loop."
        if limit.sync:
            message += f" With {RECORDS} records that is {RECORDS} of {limit.sync} allowed"
            message += f" ({limit.later} asynchronously)." if limit.later != limit.sync else "."
        return warning(self._outline.at(node), rule, message, limit.fix)

    def _of(self, node: Node) -> Mapping[str, str]:
        """What a node spends, with the name of the method that it does so through."""
        own = _spent(node, self._outline)
        if own is not None:
            return {own: ""}
        name = called(node, self._outline)
        return {} if name is None else {kind: f"{_said(node)}()" for kind in self._by_method.get(name, ())}

    @cached_property
    def _by_method(self) -> Mapping[str, frozenset[str]]:
        """Kinds by method; what a method spends, all that call it spend too."""
        spent: dict[str, set[str]] = {name: set() for name in self._outline.methods}
        callers: dict[str, set[str]] = {name: set() for name in self._outline.methods}
        for name, nodes in self._outline.methods.items():
            if any("future" in annotations(node) for node in nodes):
                spent[name].add("async")
        for node in self._outline.of(*SPENDERS):
            method = self._outline.method_around(node)
            if method is None or "async" in spent[method]:
                continue
            if (kind := _spent(node, self._outline)) is not None:
                spent[method].add(kind)
            elif (to := called(node, self._outline)) is not None:
                callers[to].add(method)
        left = [(name, kind) for name, kinds in spent.items() for kind in kinds]
        while left:
            name, kind = left.pop()
            for caller in callers[name]:
                if kind not in spent[caller]:
                    spent[caller].add(kind)
                    left.append((caller, kind))
        return {name: frozenset(kinds) for name, kinds in spent.items()}


SPENDERS = frozenset({"query_expression", "dml_expression", "method_invocation"})


def called(node: Node, outline: Outline) -> str | None:
    """The method of this code that an invocation calls, if it is one of its own."""
    if node.type != "method_invocation" or name_of(node) not in outline.methods:
        return None
    target = node.child_by_field_name("object")
    if target is None or target.type == "this" or text(target).lower() in outline.types:
        return name_of(node)
    return None


def _spent(node: Node, outline: Outline) -> str | None:
    if node.type == "query_expression":
        return "sosl" if any(one.type == "sosl_query_body" for one in node.children) else "soql"
    if node.type == "dml_expression":
        return "dml"
    if node.type != "method_invocation":
        return None
    target = node.child_by_field_name("object")
    name, on = name_of(node), text(target).lower() if target else ""
    if name == "send" and (outline.variable(on) == "http" or on.startswith("new http(")):
        return "callout"
    return CALLS.get(on.removeprefix("system."), {}).get(name)


def _said(node: Node) -> str:
    named = node.child_by_field_name("name")
    return text(named) if named else ""


def _in_loop(node: Node) -> bool:
    """Whether a node runs in each round of a loop: in its body or condition, not in what it goes through."""
    inner, around = node, node.parent
    while around is not None and around.type not in {"method_declaration", "lambda_expression"}:
        if around.type in LOOPS:
            field = next((n for n in ("value", "init") if around.child_by_field_name(n) == inner), None)
            if field is None:
                return True
        inner, around = around, around.parent
    return False
