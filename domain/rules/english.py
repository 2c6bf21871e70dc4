"""Conditions as English sentences, and back: `parse(say(condition)) == condition`.

The grammar is small: `sentiment score is less than -0.5 and (channel is "web" or has code is true)`. Facts
are their names with spaces, texts stand in double quotes, groups of one and negations are spelled out ("all
of (...)", "any of (...)", "none of (...; ...)").
"""

import json
import re
from collections.abc import Mapping

from domain.rules.condition import Comparison, Condition, Value, parse_condition
from domain.rules.facts import Kind, RuleError, Schema, suggestion

PHRASES: Mapping[str, str] = {
    "<": "is less than",
    "<=": "is at most",
    ">": "is more than",
    ">=": "is at least",
    "in": "is one of",
    "not_in": "is none of",
    "between": "is between",
    "within": "is within the",
    "contains": "contains",
    "starts_with": "starts with",
    "matches": "matches",
    "!=": "is not",
    "==": "is",
}
TIME_PHRASES: Mapping[str, str] = {"<": "is before", ">": "is after", "<=": "is up to", ">=": "is from"}
KNOWN, UNKNOWN = "is known", "is unknown"
GROUPS: Mapping[str, str] = {"AND": "all of", "OR": "any of", "NOT": "none of"}
TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w]))|([\w]+)|([();,]))')
MAX_LENGTH = 100_000


def say(condition: Condition, schema: Schema, *, inside: bool = False) -> str:
    """The sentence of a condition, without a full stop."""
    if isinstance(condition, Comparison):
        return _leaf(condition, schema)
    members = [say(member, schema, inside=True) for member in condition.rules]
    if condition.operator == "NOT" or len(members) == 1:
        return f"{GROUPS[condition.operator]} ({'; '.join(members)})"
    joined = f" {condition.operator.lower()} ".join(members)
    return f"({joined})" if inside else joined


def parse(sentence: str, where: str, schema: Schema) -> Condition:
    """The condition of a sentence. Raises `RuleError` saying what was expected and where."""
    if len(sentence) > MAX_LENGTH:
        raise RuleError("too_large", f"{where}: a sentence has at most {MAX_LENGTH:,} characters.")
    reader = _Reader(sentence.strip().removesuffix("."), where, schema)
    raw = reader.condition(depth=1)
    reader.end()
    return parse_condition(raw, where, schema)


def _leaf(leaf: Comparison, schema: Schema) -> str:
    name = leaf.field.replace("_", " ")
    if leaf.operator == "exists":
        return f"{name} {KNOWN if leaf.value else UNKNOWN}"
    phrase = PHRASES[leaf.operator]
    if schema.facts[leaf.field].kind is Kind.TIME:
        phrase = TIME_PHRASES.get(leaf.operator, phrase)
    return f"{name} {phrase} {_value(leaf)}"


def _value(leaf: Comparison) -> str:
    if leaf.operator == "within":
        return str(leaf.value).replace("_", " ")
    if leaf.operator == "between" and isinstance(leaf.value, tuple):
        return " and ".join(_one(item) for item in leaf.value)
    if isinstance(leaf.value, tuple):
        return ", ".join(_one(item) for item in leaf.value)
    return _one(leaf.value)


def _one(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, text: str, where: str, schema: Schema) -> None:
        self._where, self._schema, self._place = where, schema, 0
        self._tokens = self._split(text)
        names = {tuple(name.split("_")): name for name in schema.facts}
        self._names = dict(sorted(names.items(), key=lambda item: -len(item[0])))

    def condition(self, depth: int) -> dict[str, object]:
        """A group without parentheses, or one part."""
        parts, joiner = [self._part(depth)], ""
        while self._peek() in {"and", "or"}:
            word = self._take()
            if joiner not in {"", word}:
                self._place -= 1
                raise self._expected("parentheses: 'and' and 'or' side by side read in two ways")
            joiner = word
            parts.append(self._part(depth))
        return {"operator": joiner.upper(), "rules": parts} if joiner else parts[0]

    def end(self) -> None:
        """Nothing may be left."""
        if self._place < len(self._tokens):
            raise self._expected("'and', 'or' or the end")

    def _part(self, depth: int) -> dict[str, object]:
        if depth > 64:  # noqa: PLR2004  # far above what a condition may nest, far below Python's own limit
            raise RuleError("too_deep", f"{self._where}: the sentence nests too deep.")
        if self._peek() == "(":
            self._take()
            inner = self.condition(depth + 1)
            self._need(")")
            return inner
        for operator, words in GROUPS.items():
            if self._starts(*words.split(), "("):
                self._place += 3
                members = [self.condition(depth + 1)]
                while self._peek() == ";":
                    self._take()
                    members.append(self.condition(depth + 1))
                self._need(")")
                return {"operator": operator, "rules": members}
        return self._comparison()

    def _comparison(self) -> dict[str, object]:
        name = next((name for words, name in self._names.items() if self._starts(*words)), None)
        if name is None:
            word = "_".join(token for token in self._tokens[self._place : self._place + 3] if token.isalpha())
            raise RuleError(
                "unknown_fact",
                f"{self._where}: '{self._peek()}' begins no fact{suggestion(word, self._schema.facts)}",
            )
        self._place += len(name.split("_"))
        for phrase, value in ((KNOWN, True), (UNKNOWN, False)):
            if self._starts(*phrase.split()):
                self._place += 2
                return {"field": name, "operator": "exists", "value": value}
        operator = self._operator(self._schema.facts[name].kind)
        return {"field": name, "operator": operator, "value": self._operand(operator)}

    def _operator(self, kind: Kind) -> str:
        phrases = {**PHRASES, **(TIME_PHRASES if kind is Kind.TIME else {})}
        for operator, phrase in sorted(phrases.items(), key=lambda item: -len(item[1].split())):
            if self._starts(*phrase.split()):
                self._place += len(phrase.split())
                return operator
        raise self._expected(f"one of: {', '.join(phrases.values())}")

    def _operand(self, operator: str) -> object:
        if operator == "within":
            words = [self._take() for _ in range(3)]
            return "_".join(words)
        if operator == "between":
            low = self._literal()
            self._need("and")
            return [low, self._literal()]
        if operator not in {"in", "not_in"}:
            return self._literal()
        values = [self._literal()]
        while self._peek() == ",":
            self._take()
            values.append(self._literal())
        return values

    def _literal(self) -> object:
        token = self._take()
        try:
            value: object = json.loads(token)
        except ValueError:
            self._place -= 1
            raise self._expected("a number, true, false, or a text in double quotes") from None
        return value

    def _split(self, text: str) -> list[str]:
        tokens, place = [], 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if match is None:
                raise RuleError(
                    "bad_sentence", f"{self._where}: cannot read on from '{text[place : place + 20]}'."
                )
            tokens.append(match.group().strip())
            place = match.end()
        return tokens

    def _starts(self, *words: str) -> bool:
        return tuple(self._tokens[self._place : self._place + len(words)]) == words

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else "the end"

    def _take(self) -> str:
        token = self._peek()
        if self._place >= len(self._tokens):
            raise self._expected("more")
        self._place += 1
        return token

    def _need(self, token: str) -> None:
        if self._peek() != token:
            raise self._expected(f"'{token}'")
        self._place += 1

    def _expected(self, what: str) -> RuleError:
        return RuleError(
            "bad_sentence", f"{self._where}: at '{self._peek()}', word {self._place + 1}: expected {what}."
        )
