"""Doubts about a document: text that speaks to a machine instead of a reader.

Such text is kept and cited as text like any other; nothing acts on it. The flag is for the people who review.
"""

import re

ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|your|system)\b"
    r"[^.\n]{0,30}\b(?:instructions?|prompts?|rules?|messages?|guidelines?)\b"
    r"|\byou are (?:now|no longer)\b[^.\n]{0,60}\b(?:assistant|ai|bot|model|agent|mode)\b"
    r"|\b(?:system|developer) (?:prompt|message)\s*:"
    r"|<\|(?:im_start|system|assistant)\|>|\[/?INST\]"
    r"|\b(?:ai|llm|language model|chatbot|assistant)s?\b[^.\n]{0,40}\b(?:must|should) (?:now )?"
    r"(?:answer|reply|respond|say|send|reveal)\b",
    re.IGNORECASE,
)
UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
MANY_UNSEEN = 10
"""Invisible characters from which a text may hide something; a few are typography."""


def flags(text: str) -> tuple[str, ...]:
    """What a reviewer should look at; empty for nearly all documents."""
    found = []
    if ORDERS.search(text):
        found.append("text that gives orders to an assistant")
    if len(UNSEEN.findall(text)) >= MANY_UNSEEN:
        found.append("characters that cannot be seen")
    return tuple(found)
