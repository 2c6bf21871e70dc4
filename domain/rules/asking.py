"""Asking the customer for a fact, and reading it from what they say next."""

import math
import re

from domain.rules.facts import Fact, FactValue, Kind

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d{1,3}(?:\.\d{3})+(?:,\d+)?")
ENDING = r"(?:,? (?:please|thanks|it is|we do|i do|it is not|we don't|i don't))?[.! ]*"
YES = re.compile(r"(?:yes|yep|yeah|sure|correct|right|true|ja|oui|si|sí)" + ENDING, re.IGNORECASE)
NO = re.compile(r"(?:no|nope|false|nein|non)" + ENDING, re.IGNORECASE)
MAX_TOLD = 200
"""Characters of an answer that are kept as the value of a text fact."""


def question(fact: Fact) -> str:
    """How to ask for a fact: its own question, or its label."""
    return fact.question or f"{fact.label[:1].lower()}{fact.label[1:]}?"


def told(fact: Fact, text: str) -> FactValue:
    """The value of a fact in an answer to its question, or None."""
    said = text.strip()
    if fact.kind is Kind.NUMBER:
        return _number(fact, said)
    if fact.kind is Kind.BOOLEAN:
        return True if YES.fullmatch(said) else False if NO.fullmatch(said) else None
    lower = said.lower()
    named = [value for value in fact.values if re.search(rf"\b{re.escape(value.lower())}\b", lower)]
    if fact.kind is Kind.LIST:
        return tuple(named or ([] if fact.values else [said[:MAX_TOLD]])) or None
    if fact.kind is Kind.TEXT:
        return next(iter(named), None) if fact.values else said[:MAX_TOLD]
    return None


def _number(fact: Fact, said: str) -> float | None:
    """The one number in an answer; of several nobody knows which one is meant."""
    found = NUMBER.findall(said)
    if len(found) != 1:
        return None
    text = found[0]
    if THOUSANDS.fullmatch(text):
        text = text.replace(_grouping(text), "")
    try:
        value = float(text.replace(",", "."))
    except ValueError:  # 1.2.3 is a version, not a number
        return None
    if math.isinf(value):
        return None
    low = value if fact.low is None else fact.low
    high = value if fact.high is None else fact.high
    return value if low <= value <= high and (value.is_integer() or not fact.whole) else None


def _grouping(text: str) -> str:
    """The sign between thousands: the first of the two that are in use."""
    return min((sign for sign in ",." if sign in text), key=text.index)
