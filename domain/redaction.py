"""Taking personal data out of a text before it is kept where it does not belong."""

import re

from domain.nlu.names import names

PATTERNS = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("link", re.compile(r"\bhttps?://[^\s<>\"')]+\?[^\s<>\"')]+")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")),
    ("card", re.compile(r"\b(?:\d[ -]?){13,19}\b")),
    ("ssn", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    ("phone", re.compile(r"(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?![\w.])")),
    ("id", re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[a-zA-Z0-9]{3}(?:[a-zA-Z0-9]{12}|[a-zA-Z0-9]{15})\b")),
    ("address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("secret", re.compile(r"(?i)\b(?:password|passwort|token|secret|api[_ -]?key)\s*(?:is|=|:)\s*\S+")),
)
"""Longest first: what one takes, another does not see. Ids are Salesforce's, of 15 and 18 characters."""


def redacted(text: str) -> str:
    """The text with addresses, numbers, ids, secrets and names of people and companies by their kinds."""
    for kind, pattern in PATTERNS:
        text = pattern.sub(f"[{kind}]", text)
    spans = sorted(names(text), key=lambda found: found[1], reverse=True)
    for kind, start, end in spans:
        text = f"{text[:start]}[{kind.lower()}]{text[end:]}"
    return text
