"""How the server logs: one structured line an event, with the connection's and conversation's ids. Floor: door."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from assistant.settings import Settings

QUIET_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "httpx", "openai", "chromadb", "asyncio")


def set_up_logging(settings: Settings) -> None:
    """Text for a terminal, JSON for machines, to standard error. Libraries speak from warnings on."""
    level = getattr(logging, settings.log_level.upper())
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Any]
    if as_text:
        # The richer tracebacks show local variables, and those hold customers' words and tokens.
        plain = structlog.dev.plain_traceback
        ending = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    else:
        ending = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
