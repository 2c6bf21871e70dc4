"""Where a message holds code: fenced, SOQL and SOSL, Apex, formulas, commands. Spans are whole statements.

A pattern finds where code begins; from there brackets and quotes are followed to their ends, so that a
statement is taken whole, and prose after it is not.
"""

import re
from collections.abc import Iterator

FENCED = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
MAX_SPAN = 2_000
"""Characters of one span; nothing longer is followed."""
PAIRS = {"(": ")", "[": "]", "{": "}"}

_PATH = r"[A-Za-z]\w*(?:\.\w+)*"
_NESTED = r"\((?:[^()]|\([^()]*\))*\)"
_VALUE = rf"(?:'(?:[^'\\]|\\.)*'|:\s*{_PATH}|-?\d[\w.:+-]*|{_NESTED}|[A-Z_]+(?::\d+)?|true|false|null)"
_COMPARES = r"(?:=|!=|<>|<=|>=|<|>|\bLIKE\b|\b(?:NOT\s+)?IN\b|\bINCLUDES\b|\bEXCLUDES\b)"
_TEST = rf"(?:NOT\s+)?{_PATH}(?:\([^()]*\))?\s*{_COMPARES}\s*{_VALUE}"
_SORTED = rf"{_PATH}(?:\s+(?:ASC|DESC))?(?:\s+NULLS\s+(?:FIRST|LAST))?"
_GROUPED = rf"{_PATH}(?:\([^()]*\))?"
SOQL = re.compile(
    rf"""\bSELECT\s+(?:[^()\n.?!;]|\.\w|{_NESTED}|\n){{1,600}}?\s+FROM\s+{_PATH}(?:\s+[a-z]\b)?
    (?:\s+USING\s+SCOPE\s+\w+)?
    (?:\s+WHERE\s+\(*{_TEST}\)*(?:\s+(?:AND|OR)\s+\(*{_TEST}\)*)*)?
    (?:\s+WITH\s+\w+)?
    (?:\s+GROUP\s+BY\s+{_GROUPED}(?:\s*,\s*{_GROUPED})*)?
    (?:\s+HAVING\s+[^\n.?!;\]]+)?
    (?:\s+ORDER\s+BY\s+{_SORTED}(?:\s*,\s*{_SORTED})*)?
    (?:\s+LIMIT\s+:?\w+)?(?:\s+OFFSET\s+:?\w+)?(?:\s+ALL\s+ROWS)?
    (?:\s+FOR\s+(?:UPDATE|VIEW|REFERENCE))?""",
    re.VERBOSE,
)
"""Keywords in capitals: 'select the second option from the list' is prose."""
LOWER_SOQL = re.compile(
    r"\bselect\s+(?:\w+(?:\s*,\s*\w+)*|count\(\))\s+from\s+[A-Za-z]\w*(?:__c)?\b"
    r"(?:\s+where\s+\w+\s*[=<>!]+\s*(?:'[^']*'|\w+))?(?:\s+limit\s+\d+)?"
)
SOSL = re.compile(r"\bFIND\s+\{[^}]*\}\s+IN\s+[A-Z]+\s+FIELDS(?:\s+RETURNING\s+[^\n.?!;]+)?")
_GENERIC = r"<[^<>]*(?:<[^<>]*>)?[^<>]*>"
_MODIFIER = r"(?:static|override|virtual|abstract|(?:with|without|inherited)\ sharing)\s+"
_HEAD = r"\([^()\n]{0,300}(?:\([^()\n]{0,100}\)[^()\n]{0,100}){0,5}(?:[:;=<>!]|&&)[^\n]{0,300}\)\s*\{"
BEGINS = re.compile(
    rf"""@\w+(?:\([^()]*\))?\s+(?=public|private|global|static)
    |\btrigger\s+\w+\s+on\s+\w+\s*(?=\()
    |\b(?:public|private|global|protected|abstract|virtual)\s+(?:{_MODIFIER}){{0,4}}
        (?:class|interface|enum|void|[A-Z]\w*(?:{_GENERIC})?)\s+\w+
    |\b(?:for|while|if|catch)\s*(?={_HEAD})
    |\btry\s*(?=\{{)
    |\b(?:insert|update|delete|upsert|undelete|merge|return|throw)\s+(?=(?:\[|new\s|[a-z]\w*\s*;))
    |\b(?:List|Set|Map|Iterable|Database\.\w+)<[\w\s,<>.]{{1,80}}>\s*\w*
    |\b(?:String|Integer|Decimal|Double|Boolean|Date|Datetime|Id|Blob|Long|[A-Z]\w*(?:__c)?)\s+[a-z]\w*\s*(?==\s)
    |\b(?:System|Database|Test|Http|JSON|Limits|Schema|Messaging|EventBus|UserInfo|Math)\.\w+\s*(?=\()
    |\bnew\s+[A-Z]\w*(?:{_GENERIC})?\s*(?=[({{\[])
    """,
    re.VERBOSE,
)
"""Where Apex begins. What follows is taken up to the end of its statement or block."""
FORMULA = re.compile(
    r"\b(?:IF|AND|OR|NOT|ISPICKVAL|ISBLANK|ISNULL|ISCHANGED|ISNEW|ISNUMBER|PRIORVALUE|TEXT|VALUE|CASE|REGEX|VLOOKUP|"
    r"HYPERLINK|IMAGE|DATEVALUE|DATETIMEVALUE|TODAY|NOW|YEAR|MONTH|DAY|WEEKDAY|LEFT|RIGHT|MID|LEN|TRIM|SUBSTITUTE|CONTAINS|BEGINS|"
    r"INCLUDES|ROUND|FLOOR|CEILING|MAX|MIN|MOD|ABS|BLANKVALUE|NULLVALUE|ADDMONTHS|CASESAFEID|UPPER|LOWER|PARENTGROUPVAL|PREVGROUPVAL)"
    r"(?=\()"
)
_OPERAND = r"(?:\"[^\"\n]*\"|'[^'\n]*'|\d+(?:\.\d+)?|[A-Z]\w*(?:__[cr])?(?:\.\w+)*\b(?!\())"
_FURTHER = rf"(?:{_OPERAND}\s*(?:[-&+*/]\s*(?:{_OPERAND}\s*)?)?){{0,5}}"
AFTER_CALL = re.compile(rf"\s*(?:&&|\|\||<>|<=|>=|!=|[-&+*/=<>])\s*{_FURTHER}")
_ARGUMENT = r"(?:\"[^\"]*\"|'[^']*'|[\w./@:+-]+)"
COMMAND = re.compile(
    rf"\bs(?:f|fdx) [a-z]+[:a-z-]*(?: [a-z][a-z:-]*){{0,4}}(?: --?[A-Za-z][\w-]*(?:[ =]{_ARGUMENT})?)+"
    r"|\bsf (?:org|project|data|apex|package|agent|deploy|plugins) [a-z:]+(?: [a-z-]+)*"
)


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of code, fenced ones first; they may overlap, the earlier wins."""
    for pattern in (FENCED, COMMAND):
        for match in pattern.finditer(text):
            yield match.span()
    taken = -1
    for match in BEGINS.finditer(text):
        if match.start() >= taken:
            taken = _statement_end(text, match.end())
            yield match.start(), taken
    for pattern in (SOQL, SOSL, LOWER_SOQL):
        for match in pattern.finditer(text):
            yield match.start(), match.start() + len(match.group().rstrip())
    taken = -1
    for match in FORMULA.finditer(text):
        if match.start() >= taken:
            taken = _formula_end(text, match.end())
            yield match.start(), taken


def _statement_end(text: str, start: int) -> int:
    """The end of the statement or block that goes on at `start`."""
    place = start
    while place < min(len(text), start + MAX_SPAN):
        sign = text[place]
        if sign in PAIRS:
            place = _closed(text, place)
            if sign == "{" and not re.match(r"\s*(?:else|catch|finally|while)\b", text[place:]):
                return place + 1 if text[place : place + 1] == ";" else place
            continue
        if sign in "'\"":
            place = _quoted(text, place)
            continue
        if sign == ";":
            return place + 1
        if sign == "\n" or (sign in ".?!," and text[place + 1 : place + 2] in {"", " ", "\n"}):
            return place
        if sign.isspace() and _is_prose(text, place):
            return place
        place += 1
    return place


def _is_prose(text: str, place: int) -> bool:
    """Whether two words without any sign of code follow."""
    return re.match(r"\s+[a-z]{2,}\s+[a-z]{2,}\b(?!\s*[=(;<{:])", text[place:]) is not None


def _formula_end(text: str, start: int) -> int:
    place = _closed(text, start)
    while (after := AFTER_CALL.match(text, place)) is not None and after.end() > place:
        further = FORMULA.match(text, after.end())
        if further is None:
            return place + len(after.group().rstrip(" -&+*/=<>|,"))
        place = _closed(text, further.end())
    return place


def _closed(text: str, start: int) -> int:
    """The place after the bracket that closes the one at `start`; the end of what is there if none does."""
    depth, place = 0, start
    while place < min(len(text), start + MAX_SPAN):
        sign = text[place]
        if sign in "'\"":
            place = _quoted(text, place)
            continue
        depth += (sign in PAIRS) - (sign in PAIRS.values())
        place += 1
        if depth == 0:
            return place
    return place


def _quoted(text: str, start: int) -> int:
    """The place after a quoted text; after the quote alone when it is not closed on its line."""
    found = re.compile(rf"{text[start]}(?:[^{text[start]}\\\n]|\\.)*{text[start]}").match(text, start)
    return found.end() if found else start + 1
