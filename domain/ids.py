"""Identifiers. All are opaque; equality is the only thing to ask of them."""

from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
UserId = NewType("UserId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
JobId = NewType("JobId", UUID)
ArticleId = NewType("ArticleId", str)
RuleId = NewType("RuleId", str)
ContentHash = NewType("ContentHash", str)
