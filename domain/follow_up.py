"""Questions that lean on the question before them."""

import re

from domain.conversation import Context
from domain.nlu.text import terms

FOLLOW_UP = re.compile(
    r"^(?:and|but|also|what about|how about|what if|why|then|it|that|this|same|ok(?:ay)? (?:and|but))\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"(?:(?:and|but|also|then|ok(?:ay)?)\b[\s,]*)?(?!(?:what|how) (?:about|if)\b)"
    r"(?:how|what|where|when|which|who|why|can|could|do|does|is|are|should|i|my|we|our)\b",
    re.IGNORECASE,
)
"""How a question of its own begins, even behind an 'and'."""
MIN_QUESTION_TERMS = 2
MAX_FOLLOW_UP_TERMS = 4
"""A message with at most this many topic words may lean on the question before it."""


def question_for(text: str, context: Context) -> str:
    """The text to search for: a short follow-up ('and in Apex?') is read with the question before it."""
    words, said = len(set(terms(text))), text.strip()
    own_question = words >= MIN_QUESTION_TERMS and QUESTION.match(said)
    if context.last_question and words <= MAX_FOLLOW_UP_TERMS and FOLLOW_UP.match(said) and not own_question:
        return f"{context.last_question} {said}"
    return text
