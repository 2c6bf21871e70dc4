"""The customer's own message path: section 8.2 of the PRD re-written small, without its AI.

FastAPI on uvicorn with uvloop, ORM models of the PRD's tables (6.1), `ConversationManager.process_message`
with its 11 statements and three commits. Where the PRD leaves a choice open the cheaper one is taken: its
middleware for errors, limits and authentication is left out, objects do not expire on commit, nothing is cached
or encrypted, and the answer is constant.
Run: python -m ops.bench.prd, with the settings of `casepilot api` in the environment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any
from uuid import UUID

import msgspec
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateSchema

from adapters.postgres.engine import engine
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings, read

OWNER = "postgres"
RECENT = 10
MAX_CONTENT = 5_000
ANSWER: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("answer.json").read_bytes())
NEW_ID = text("gen_random_uuid()")


class Base(DeclarativeBase):
    """Tables of the schema `core`."""

    type_annotation_map = {datetime: None}  # noqa: RUF012
