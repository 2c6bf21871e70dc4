"""How findings about queries are made."""

from domain.salesforce.checking import Finding
from domain.salesforce.soql.query import At


def error(at: At, rule: str, message: str, fix: str, old: str = "", new: str = "") -> Finding:
    """A finding that Salesforce refuses the query for; `new` is surely meant instead of `old`."""
    return Finding(at.line, at.column, rule, "error", message, fix, old, new)


def warning(at: At, rule: str, message: str, fix: str) -> Finding:
    """A finding about a query that runs, and should not be so."""
    return Finding(at.line, at.column, rule, "warning", message, fix)


def unjudged(at: At, message: str) -> Finding:
    """A finding that nothing can be said without the org's own names."""
    return Finding(at.line, at.column, "CannotJudge", "info", message, "Upload the describe of the object.")
