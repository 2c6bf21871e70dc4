"""Settings, read once from the environment. Nothing else reads it."""

import os
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import Struct

from domain.errors import DomainError
from ports.inbound.work import Timing


class SettingsError(DomainError):
    """A setting is missing or not right; the message names the variable."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set. Durations in seconds unless named otherwise.

    `milvus_url` is a server's address (or a file of Milvus Lite, for one process); without it indexes are in
    memory, within `index_memory_mb` a process.
    Language models write answers where `openai_api_key` (of `openai_url`) or `vllm_url` is set, within
    `model_seconds` for all of them together. Prices are US dollars for a million tokens.
    `owner_url` is the login that migrations use; `jwt_public_key` is PEM text for RS256.
    """

    database_url: str
    redis_url: str
    owner_url: str = ""
    cache: str = ".casepilot/models"
    host: str = "127.0.0.1"
    port: int = 8000
    pool: int = 12
    rate_limit: int = 100
    openai_api_key: str = ""
    openai_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-4.1-mini"
    openai_price_in: float = 0.40
    openai_price_out: float = 1.60
    vllm_url: str = ""
    vllm_key: str = ""
    vllm_model: str = "codellama-13b-instruct"
    vllm_context: int = 16_384
    model_seconds: float = 8
    index_memory_mb: int = 1_024
    milvus_url: str = ""
    milvus_token: str = ""
    inactive_minutes: float = 30
    unanswered_seconds: float = 5
    sweep_seconds: float = 1
    jwt_secret: str = ""
    jwt_public_key: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    demo_organization: str = ""
    parent: int = 0

    @property
    def timing(self) -> Timing:
        """The clocks of the background."""
        return Timing(
            timedelta(minutes=self.inactive_minutes),
            timedelta(seconds=self.unanswered_seconds),
            model=timedelta(seconds=self.model_seconds),
        )

    @property
    def migrations_url(self) -> str:
        """The login for migrations."""
        return self.owner_url or self.database_url

    def __repr__(self) -> str:
        """Names without values: settings hold secrets."""
        return "Settings(...)"


UNPREFIXED = {
    "database_url": "DATABASE_URL",
    "redis_url": "REDIS_URL",
    "openai_api_key": "OPENAI_API_KEY",
}
REQUIRED = ("database_url", "redis_url")

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Numeric libraries get one thread each: their pools fight over the cores that the event loops need."""


def trusted_hosts(environ: Mapping[str, str] = os.environ) -> frozenset[str]:  # noqa: TID251  # as `read`
    """Hosts inside the network whose pages may be taken into knowledge: CASEPILOT_TRUSTED_HOSTS."""
    named = environ.get("CASEPILOT_TRUSTED_HOSTS", "").split(",")
    return frozenset(host.strip().lower() for host in named if host.strip())


def salesforce_token(environ: Mapping[str, str] = os.environ) -> str:  # noqa: TID251  # as `read`
    """The access token that Salesforce Knowledge is read with: CASEPILOT_SALESFORCE_TOKEN."""
    return environ.get("CASEPILOT_SALESFORCE_TOKEN", "")


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return UNPREFIXED.get(field, f"CASEPILOT_{field.upper()}")


def read(environ: Mapping[str, str] = os.environ, **known: str) -> Settings:  # noqa: TID251  # the one place
    """Settings from environment variables; `known` ones are given and win.

    Raises `SettingsError` naming the variable and the mend.
    """
    found = {
        field: environ[variable(field)]
        for field in Settings.__struct_fields__
        if environ.get(variable(field))
    } | known
    for field in REQUIRED:
        if field not in found:
            raise SettingsError(
                "missing_setting",
                f"{variable(field)} is not set. Set it, or use `casepilot up`, which brings its own servers.",
            )
    try:
        return msgspec.convert(found, Settings, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise SettingsError("bad_setting", f"{variable(field)}: {error}.") from error


def environment(settings: Settings) -> dict[str, str]:
    """The environment that makes a child process read the same settings."""
    values = msgspec.structs.asdict(settings)
    return {variable(field): str(value) for field, value in values.items() if value not in {"", 0}}


def child_environment(settings: Settings, **more: str) -> dict[str, str]:
    """What a child process needs: our own environment, the settings, and more."""
    pinned = dict.fromkeys(THREAD_VARIABLES, "1")
    return {**pinned, **os.environ, **environment(settings), **more}  # noqa: TID251  # the one place


class ApiAccess(Struct, frozen=True):
    """Where the dashboard finds the API, and with which key. `parent` is the process to end with."""

    api: str
    api_key: str
    parent: int

    def __repr__(self) -> str:
        """The address alone: the key is a secret."""
        return f"ApiAccess({self.api})"


def read_api_access(environ: Mapping[str, str] = os.environ) -> ApiAccess:  # noqa: TID251  # the one place
    """The dashboard's settings. Raises `SettingsError` without a key."""
    if not environ.get("CASEPILOT_API_KEY"):
        raise SettingsError(
            "missing_setting", "CASEPILOT_API_KEY is not set; the dashboard needs an API key."
        )
    return ApiAccess(
        environ.get("CASEPILOT_API_URL", "http://127.0.0.1:8000"),
        environ["CASEPILOT_API_KEY"],
        int(environ.get("CASEPILOT_PARENT", "0")),
    )
