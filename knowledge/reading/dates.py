"""Dates as authors, programs and servers write them -> RFC 3339 in UTC. Floor: pure."""

from __future__ import annotations

import datetime
import re
from email.utils import parsedate_to_datetime

WRITTEN = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d")


def as_rfc3339(value: object) -> str | None:
    """The moment in UTC, a day as its first second; None for what is no date or could be two (03/04/2026)."""
    moment = _moment(value)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    try:
        return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError):  # a year before the first or after the last
        return None


def _moment(value: object) -> datetime.datetime | None:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    words = " ".join(str(value).split()) if isinstance(value, str) else ""
    if not words or len(words) > 60:
        return None
    for parse in (datetime.datetime.fromisoformat, parsedate_to_datetime):
        try:
            return parse(words)
        except (ValueError, TypeError, IndexError):
            continue
    return _written(re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", words))


def _written(words: str) -> datetime.datetime | None:
    for form in WRITTEN:
        try:
            return datetime.datetime.strptime(words, form)
        except ValueError:
            continue
    return None
