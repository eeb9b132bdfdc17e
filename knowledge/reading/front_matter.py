"""What a page says about itself above its text: YAML between ---, TOML between +++. Floor: pure.

YAML is read without aliases (a few lines of them unfold to gigabytes), and line by line where it is broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from knowledge.reading.dates import as_rfc3339
from knowledge.reading.language import declared_language

MAX_CHARS = 50_000
YAML_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S | re.M)
TOML_MATTER = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.S | re.M)
SIMPLE_LINE = re.compile(r"^([A-Za-z_][\w-]*)\s*:\s*(\S.*?)\s*$", re.M)
CHANGED = ("updated", "updated_at", "lastmod", "last_updated", "last_modified", "last_reviewed", "modified", "date")
EVERYBODY = frozenset({"", "all", "any", "everybody", "everyone", "public"})


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a page besides its text, as far as it declares it."""

    title: str | None = None
    description: str | None = None
    language: str | None = None
    url: str | None = None
    products: tuple[str, ...] = ()
    audience: str | None = None
    changed_at: str | None = None


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The front matter as a dict and the text below it; ({}, text) where there is none or it is no mapping."""
    if match := YAML_MATTER.match(text):
        return _from_yaml(match.group(1)[:MAX_CHARS]), text[match.end() :]
    if match := TOML_MATTER.match(text):
        return _from_toml(match.group(1)[:MAX_CHARS]), text[match.end() :]
    return {}, text


def particulars(matter: dict[str, Any]) -> Particulars:
    """The fields that this house knows, by whatever name static-site programs give them."""
    known = {str(key).lower().replace("-", "_"): value for key, value in matter.items()}

    def first(*names: str) -> Any:
        return next((known[name] for name in names if known.get(name) not in (None, "", [])), None)

    return Particulars(
        title=_words(first("title")),
        description=_words(first("description", "summary")),
        language=declared_language(first("lang", "language", "locale")),
        url=_url(first("url", "canonical_url", "canonical")),
        products=several(first("products", "product", "product_tags")) or product_tags(first("tags", "keywords")),
        audience=audience_of(first("audience", "audiences")),
        changed_at=as_rfc3339(first(*CHANGED)),
    )


def several(value: Any) -> tuple[str, ...]:
    """The names in a list, or in words parted by commas; each once, in their order."""
    values = value if isinstance(value, list) else re.split(r"[,;]", str(value)) if value else []
    names = (str(one).strip() for one in values if isinstance(one, (str, int, float)))
    return tuple(dict.fromkeys(name for name in names if name))


def product_tags(value: Any) -> tuple[str, ...]:
    """The products among tags or keywords, written there as `product:NAME`: other tags are topics."""
    return tagged(value, "product")


def tagged(value: Any, prefix: str) -> tuple[str, ...]:
    """What stands after `prefix:` in a list of tags or keywords."""
    parts = (name.partition(":") for name in several(value))
    return tuple(rest.strip() for word, colon, rest in parts if colon and word.strip().lower() == prefix)


def audience_of(value: Any) -> str | None:
    """Whom a page is for, None for everybody."""
    names = several(value)
    return ", ".join(names) if names and not any(name.lower() in EVERYBODY for name in names) else None


def _from_yaml(source: str) -> dict[str, Any]:
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source, yaml.SafeLoader)):
            raise yaml.YAMLError("aliases are not read")
        matter = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that does not exist
        matter = None
    if isinstance(matter, dict):
        return matter
    return {key: value.strip("\"'[]") for key, value in SIMPLE_LINE.findall(source)}


def _from_toml(source: str) -> dict[str, Any]:
    import tomllib

    try:
        matter = tomllib.loads(source)
    except (ValueError, RecursionError):
        return {}
    params = matter.get("params") or matter.get("extra")
    return {**params, **matter} if isinstance(params, dict) else matter


def _words(value: Any) -> str | None:
    return " ".join(str(value).split()) or None if isinstance(value, (str, int, float)) else None


def _url(value: Any) -> str | None:
    words = _words(value)
    return words if words and words.startswith(("https://", "http://")) else None
