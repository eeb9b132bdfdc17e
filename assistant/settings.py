"""Every setting: type, unit, default, help. Floor: pure, but for reading the environment once.

Read by `load_settings()` at start and passed to constructors; nothing else reads the environment.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assistant.errors import SettingsError

PREFIX = "TELLONCE_"


class Settings(BaseSettings):
    """One frozen object. Precedence: arguments, environment, `.env`, `tellonce.toml`, default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        toml_file="tellonce.toml",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    data_dir: Path = Field(Path("data"), description="Where the embedded database, vectors and uploads live.")
    database_url: str | None = Field(
        None, description="`postgresql://…` to scale out; default: SQLite in the data dir."
    )
    redis_url: str | None = Field(None, description="Event fan-out over many processes; default: one process.")
    chroma_url: str | None = Field(None, description="A Chroma server; default: embedded in the data dir.")

    model: str = Field("auto", description="`embedded`, a model name, or `auto`: embedded without an API key.")
    model_deadline_seconds: float = Field(60.0, gt=0, description="A whole answer later than this is given up.")
    model_first_text_seconds: float = Field(15.0, gt=0, description="A first word later than this is given up.")
    model_context_tokens: int = Field(8000, ge=1000, description="Budget for everything the model is sent.")
    model_answer_tokens: int = Field(700, ge=50, description="Budget for the model's answer.")
    stream: Literal["sentence", "token"] = Field(
        "sentence", description="`sentence`: each sentence leaves once checked; `token`: text leaves as it comes."
    )
    embedding_model: str = Field(
        "all-MiniLM-L6-v2", description="A sentence-transformers name or folder, or `openai:NAME`."
    )
    releases_kept: int = Field(10, ge=2, le=1000, description="Releases of the knowledge to go back to.")

    identity_secret: SecretStr | None = Field(
        None, description="Signs visitor and identity tokens; default: made once."
    )
    identity_jwks: str | None = Field(
        None, description="URL or file of a JWKS, where identities are signed with RS256 or ES256 elsewhere."
    )
    identity_audience: str | None = Field(
        None, description="The `aud` an identity must carry: set it where the JWKS signs for other applications too."
    )
    allowed_origins: str = Field(
        "", description="Sites that may embed the widget, comma-separated; own origin always may."
    )
    ces_scale: Literal[5, 7] = Field(7, description="Customer Effort Score from 1 (easy) to 5 or 7 (difficult).")

    public_hosts: str = Field(
        "", description="Host names this server answers to, comma-separated; default: any (the demo: this machine's)."
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1", description="Proxies whose `X-Forwarded-For` and `-Proto` are believed, comma-separated."
    )
    message_limit: str = Field("300/minute", description="Messages one visitor may send, as `count/period`.")
    connection_limit: str = Field("120/minute", description="Connections one address may open, as `count/period`.")
    conversation_limit: str = Field("60/minute", description="Conversations one address may begin, as `count/period`.")
    upload_max_bytes: int = Field(100_000_000, ge=1_000_000, description="The largest file that the studio takes in.")
    send_buffer_bytes: int = Field(
        1_048_576, ge=65_536, description="Unsent bytes after which a slow reader is cut off."
    )
    ping_interval_seconds: float = Field(20.0, gt=0, description="Heartbeat on idle sockets.")

    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"),
        description="Key for the model endpoint.",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"),
        description="Any OpenAI-compatible endpoint; default: OpenAI's own.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`auto`: text on a terminal, JSON otherwise."
    )

    @field_validator("allowed_origins")
    @classmethod
    def check_origins(cls, value: str) -> str:
        """What no browser ever sends as `Origin` (RFC 6454 section 7) would shut a site out, silently."""
        for origin in _listed(value):
            address = urlsplit(origin.rstrip("/"))
            rest = address.path or address.query or address.fragment or address.username
            if address.scheme not in ("http", "https") or not address.hostname or "*" in origin or rest:
                raise ValueError(f"{origin!r} is no origin such as https://www.example.com")
        return value

    @field_validator("public_hosts")
    @classmethod
    def check_hosts(cls, value: str) -> str:
        """An address or a port among the names would never be met, and the server would answer to nobody."""
        for host in _listed(value):
            if not re.fullmatch(r"[\w.-]+", host):
                raise ValueError(f"{host!r} is no host name such as support.example.com")
        return value

    @field_validator("chroma_url", "openai_base_url")
    @classmethod
    def check_address(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("it is no address such as http://localhost:8001")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def check_proxies(cls, value: str) -> str:
        """A name or a typo would be trusted by nobody, silently, and all customers would share one limit."""
        for proxy in _listed(value):
            if proxy != "*":
                ipaddress.ip_network(proxy)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def uses_model(self) -> bool:
        """Whether a language model answers first (otherwise the embedded way answers alone)."""
        if self.model == "auto":
            return self.openai_api_key is not None
        return self.model != "embedded"

    @property
    def model_name(self) -> str:
        """The name sent to the endpoint; `auto` with a key means a small current default."""
        return "gpt-4.1-mini" if self.model == "auto" else self.model

    @functools.cached_property
    def origins(self) -> frozenset[str]:
        """The allowed origins, normalised to lower case without a trailing slash."""
        return frozenset(origin.rstrip("/").lower() for origin in _listed(self.allowed_origins))


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def load_settings(**overrides: Any) -> Settings:
    """Settings from arguments, environment and files.

    Raises:
        SettingsError: a value is wrong, or a file cannot be read; the message names it and what would be right.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        variable = variable_of(name)
        what = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{variable}={first.get('input')!r} is not valid: {what}. Correct or unset it.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"tellonce.toml is not valid TOML: {error}. Correct or remove it.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(".env or tellonce.toml is not UTF-8: save it as UTF-8, or remove it.") from error
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be read: {error.strerror}. Correct or remove it.") from error


def names_in_files() -> dict[str, str]:
    """Each variable that `.env` and `tellonce.toml` set, in upper case, with the file that counts."""
    from dotenv import dotenv_values

    names: dict[str, str] = {}
    toml = Path("tellonce.toml")
    if toml.exists():
        names |= {variable_of(key): "tellonce.toml" for key in tomllib.loads(toml.read_text(encoding="utf-8"))}
    if Path(".env").exists():
        names |= {key.upper(): ".env" for key, value in dotenv_values(".env").items() if value}
    return names


def variable_of(name: str) -> str:
    """The environment variable of a field of `Settings`."""
    return name.upper() if name.lower().startswith("openai_") else PREFIX + name.upper()
