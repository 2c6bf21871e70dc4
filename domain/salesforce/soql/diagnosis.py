"""Why a query cannot be read: what people bring along from SQL and other languages, by its words."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from domain.salesforce.checking import Finding
from domain.salesforce.soql.finding import error
from domain.salesforce.soql.query import At

TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<open>')|(?P<double>"[^"]*"?)|(?P<word>[\w.]+)"""
    r"""|(?P<sign>==|&&|\|\||<=|>=|<>|!=|.)""",
    re.DOTALL,
)
CLAUSES = ("SELECT", "FROM", "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR")
"""In the order in which they go."""
OPERATORS = frozenset({"=", "!=", "<>", "<", ">", "<=", ">=", "LIKE"})
COUNTED = frozenset(
    f"{which}_N_{unit}"
    for which in ("LAST", "NEXT")
    for unit in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS", "FISCAL_QUARTERS", "FISCAL_YEARS")
) | frozenset(
    f"N_{unit}_AGO"
    for unit in ("DAYS", "WEEKS", "MONTHS", "QUARTERS", "YEARS", "FISCAL_QUARTERS", "FISCAL_YEARS")
)
"""Date literals that take a number."""
OWN_DAYS = re.compile(r"(last|next)_(?!90_)(\d+)_days", re.IGNORECASE)
"""As LAST_90_DAYS would suggest."""
VALUE = re.compile(
    r"null|true|false|[a-z]{3}\d[\d.]*|[\d.]+[\w.]*|yesterday|today|tomorrow|last_90_days|next_90_days"
    r"|(?:last|this|next)_(?:week|month|quarter|year|fiscal_quarter|fiscal_year)",
    re.IGNORECASE,
)
"""Words that are values: null, truth, numbers and dates, amounts as USD5, date literals."""
STATEMENTS = frozenset({"INSERT", "UPDATE", "DELETE", "UPSERT", "MERGE", "CREATE", "ALTER", "DROP"})
JOINS = frozenset({"JOIN", "INNER", "LEFT", "RIGHT", "OUTER", "CROSS"})


class Token(Struct, frozen=True):
    """A word, a value or a sign; `up` is it in upper case, `depth` the parentheses around it."""

    kind: str
    said: str
    at: At
    depth: int

    @property
    def up(self) -> str:
        """In upper case, as keywords are compared."""
        return self.said.upper()


def tokens(query: str) -> list[Token]:
    """The tokens of a query, blanks left out."""
    found: list[Token] = []
    line, begins, depth = 1, 0, 0
    for match in TOKEN.finditer(query):
        kind, said = str(match.lastgroup), match.group()
        depth -= said == ")"
        if kind != "space":
            found.append(Token(kind, said, At(line, match.start() - begins + 1), depth))
        depth += said == "("
        if "\n" in said:
            line, begins = line + said.count("\n"), match.start() + said.rindex("\n") + 1
    return found


def deepest(query: str) -> int:
    """How many parentheses are open at once at most."""
    depth = most = 0
    for sign in query:
        depth += (sign == "(") - (sign == ")")
        most = max(most, depth)
    return most


def diagnosed(query: str) -> Iterator[Finding]:
    """What is known to be no SOQL in a query that cannot be read; nothing if the reason is another."""
    found = tokens(query)
    if not found:
        yield error(At(1, 1), "EmptyQuery", "There is no query.", "Write SELECT fields FROM object.")
        return
    if found[0].up in STATEMENTS:
        message = f"SOQL only reads; there is no {found[0].up}."
        yield error(found[0].at, "NotAQuery", message, "Change records with DML in Apex, or with the API.")
        return
    for look in (_signs, _words, _pairs, _clauses, _parentheses):
        yield from look(found)


def _signs(found: Sequence[Token]) -> Iterator[Finding]:
    for token in found:
        if token.kind == "open":
            message = "This quote is never closed."
            yield error(token.at, "UnterminatedString", message, r"Close it; write a quote inside as \'.")
        elif token.kind == "double":
            message = "SOQL has no double quotes."
            new = "'" + token.said.strip('"').replace("'", r"\'") + "'"
            yield error(token.at, "DoubleQuotes", message, f"Write {new}.", token.said, new)
        elif token.said in SIGNS:
            rule, fix, new = SIGNS[token.said]
            yield error(token.at, rule, f"SOQL has no {token.said}", fix, token.said, new)


SIGNS = {
    "==": ("DoubleEquals", "Write =.", "="),
    "&&": ("LogicalSigns", "Write AND.", "AND"),
    "||": ("LogicalSigns", "Write OR.", "OR"),
    ";": ("Semicolon", "Leave the semicolon out.", ""),
    "`": ("Backticks", "Leave the backticks out.", ""),
}


def _words(found: Sequence[Token]) -> Iterator[Finding]:
    joined = False
    for token in found:
        if token.kind != "word":
            continue
        if token.up in JOINS and not joined:
            joined = True
            yield error(
                token.at,
                "Join",
                "SOQL has no JOIN.",
                "Follow a lookup with a dot (Account.Name), or nest the children: (SELECT Id FROM Contacts).",
            )
        elif token.up in WORDS:
            rule, fix = WORDS[token.up]
            yield error(token.at, rule, f"SOQL has no {token.up}.", fix)


WORDS = {
    "DISTINCT": ("Distinct", "Group: SELECT Name FROM Account GROUP BY Name."),
    "BETWEEN": ("Between", "Write field >= low AND field <= high."),
    "UNION": ("Union", "Run two queries."),
    "AS": ("AliasWithAs", "Leave AS out: COUNT(Id) total."),
    "ILIKE": ("UnknownOperator", "Write LIKE, which ignores case."),
    "CONTAINS": ("UnknownOperator", "Write LIKE '%text%'."),
    "EXISTS": ("UnknownOperator", "Write Id IN (SELECT AccountId FROM Contact)."),
}


def _pairs(found: Sequence[Token]) -> Iterator[Finding]:
    """Words and signs that are wrong beside each other."""
    words = ["", *(token.up for token in found), "", "", ""]
    for number, token in enumerate(found):
        before, after = words[number], words[number + 2]
        if token.said == "*" and before in {"SELECT", "("}:
            yield from _star(token, counted=before == "(")
        elif token.kind == "word" and before in OPERATORS:
            yield from _value(token, after)
        elif (
            token.up == "COUNT"
            and "," in {before, words[number + 4]}
            and words[number + 2 : number + 4] == ["(", ")"]
        ):
            message = "COUNT() without a field stands alone in the SELECT clause."
            yield error(token.at, "CountNotAlone", message, "Write COUNT(Id) beside other fields.")
        elif token.said == "," and after in {"FROM", ",", ")"}:
            yield error(token.at, "CommaTooMany", "Nothing follows this comma.", "Leave the comma out.", ",")
        elif token.said == "(" and after == ")" and before == "IN":
            yield error(token.at, "EmptyList", "IN needs at least one value.", "Put values between them.")
        elif before == "SELECT" and token.up == "TOP":
            yield error(token.at, "Top", "SOQL has no TOP.", "Write LIMIT at the end.")
        else:
            yield from _negation(token, words[number], after, found[number - 1].said)


def _negation(token: Token, before: str, after: str, field: str) -> Iterator[Finding]:
    if token.up == "IS" and after in {"NULL", "NOT"}:
        fix = "Write != null." if after == "NOT" else "Write = null."
        old, new = ("IS NOT", "!=") if after == "NOT" else ("IS", "=")
        yield error(token.at, "IsNull", "SOQL has no IS NULL.", fix, token.said if old == "IS" else old, new)
    elif token.up == "NOT" and after == "LIKE":
        message = "NOT LIKE is written around the condition."
        yield error(token.at, "NotLike", message, f"Write (NOT {field} LIKE ...).")
    elif token.up == "NOT" and before in {"AND", "OR"}:
        message = f"{before} NOT needs parentheses."
        yield error(token.at, "NotWithoutParentheses", message, f"Write {before} (NOT ...).")


def _value(token: Token, after: str) -> Iterator[Finding]:
    """A word where a value should be: a text without quotes, or a date literal without its number."""
    if (days := OWN_DAYS.fullmatch(token.said)) is not None:
        new = f"{days[1].upper()}_N_DAYS:{days[2]}"
        message = f"There is no date literal {token.up}."
        yield error(token.at, "DateLiteral", message, f"Write {new}.", token.said, new)
    elif token.up in COUNTED:
        if after != ":":
            message = f"{token.up} needs a number."
            yield error(token.at, "DateLiteral", message, f"Write {token.up}:30.")
    elif not VALUE.fullmatch(token.said):
        message = f"{token.said} is no value: texts stand in single quotes."
        yield error(
            token.at, "UnquotedText", message, f"Write '{token.said}'.", token.said, f"'{token.said}'"
        )


def _star(token: Token, *, counted: bool) -> Iterator[Finding]:
    if counted:
        yield error(
            token.at, "CountStar", "SOQL has no COUNT(*).", "Write COUNT() alone, or COUNT(Id).", "*", "Id"
        )
    else:
        fix = "Name the fields, or write FIELDS(STANDARD), or FIELDS(ALL) with LIMIT 200."
        yield error(token.at, "SelectStar", "SOQL has no SELECT *.", fix, "*", "FIELDS(STANDARD)")


def _clauses(found: Sequence[Token]) -> Iterator[Finding]:
    """Clauses of the outermost query that are missing, come twice, or in another order."""
    outer = [token for token in found if token.depth == 0 and token.kind == "word"]
    seen = [token for token in outer if token.up in CLAUSES]
    names = [token.up for token in seen]
    for wanted in ("SELECT", "FROM"):
        if wanted not in names:
            yield error(
                found[0].at,
                f"No{wanted.title()}",
                f"There is no {wanted}.",
                "Write SELECT fields FROM object.",
            )
            return
    for before, after in pairwise(seen):
        if CLAUSES.index(after.up) < CLAUSES.index(before.up):
            message = f"{after.up} comes before {before.up}."
            yield error(after.at, "ClauseOrder", message, f"The order is {', '.join(CLAUSES)}.")
            return
        if after.up == before.up:
            yield error(after.at, "ClauseTwice", f"{after.up} comes twice.", "Join both into one clause.")
            return
    if "HAVING" in names and "GROUP" not in names:
        at = next(token.at for token in seen if token.up == "HAVING")
        yield error(at, "HavingWithoutGroupBy", "HAVING needs GROUP BY.", "Group the query, or use WHERE.")
    for number, token in enumerate(outer[:-1]):
        if token.up in {"GROUP", "ORDER"} and outer[number + 1].up != "BY":
            yield error(token.at, "MissingBy", f"BY is missing after {token.up}.", f"Write {token.up} BY.")
    yield from _mixed(found)


def _mixed(found: Sequence[Token]) -> Iterator[Finding]:
    """AND beside OR at one depth of a WHERE clause."""
    joined: dict[int, str] = {}
    for token in found:
        if token.said in {"(", ")"} or token.up in {"WHERE", "HAVING"}:
            joined.pop(token.depth + (token.said == "("), None)
        if token.up in {"AND", "OR"} and joined.setdefault(token.depth, token.up) != token.up:
            message = "AND and OR beside each other need parentheses."
            yield error(token.at, "MixedAndOr", message, "Write (a AND b) OR c, or a AND (b OR c).")
            return


def _parentheses(found: Sequence[Token]) -> Iterator[Finding]:
    opened: list[Token] = []
    for token in found:
        if token.said == "(":
            opened.append(token)
        elif token.said == ")":
            if not opened:
                yield error(token.at, "Parentheses", "This parenthesis closes nothing.", "Leave it out.")
                return
            opened.pop()
    if opened:
        yield error(opened[-1].at, "Parentheses", "This parenthesis is never closed.", "Close it.")
