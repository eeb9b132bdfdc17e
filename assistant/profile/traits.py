"""What a name, an address or a number must look like before it is kept. Floor: pure.

Host pages, imports and customers' own words all pass here: what comes out is safe to show in one line of text.
"""

from __future__ import annotations

import re
import unicodedata

NAME_MAX_CHARS = 120
EMAIL_MAX_CHARS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
PHONE_MAX_CHARS = 32
TEXT_MAX_CHARS = 500

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\.]+(\.[^\s@<>()\[\],;:\"\\.]+)+")
_PHONE = re.compile(r"\+?\(?[0-9][0-9 ().\-/]{3,30}")


def clean_line(value: object, max_chars: int = TEXT_MAX_CHARS) -> str | None:
    """The value as one line of visible text, at most `max_chars`; None when nothing is left or it is no text.

    Control characters and invisible ones (zero-width, bidirectional overrides: they make one name look like another)
    are left out; joiners stay, because Persian and Indic names are written with them.
    """
    if not isinstance(value, str):
        return None
    visible = "".join(_visible(c) for c in unicodedata.normalize("NFC", value[: max_chars * 4]))
    return " ".join(visible.split())[:max_chars].strip() or None


def _visible(character: str) -> str:
    if character in "\u200c\u200d":
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category.startswith("C") else character


def clean_name(value: object) -> str | None:
    return clean_line(value, NAME_MAX_CHARS)


def clean_email(value: object) -> str | None:
    """The address with its domain in lower case; None when it is none. Whether it is *theirs* is not decided here."""
    if not isinstance(value, str) or len(value) > EMAIL_MAX_CHARS:
        return None
    text = value.strip()
    if not _EMAIL.fullmatch(text) or not text.isprintable():
        return None
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def clean_phone(value: object) -> str | None:
    """The number as it was written, without anything that does not belong in one; None when it is none."""
    if not isinstance(value, str) or len(value) > PHONE_MAX_CHARS:
        return None
    text = " ".join(value.split())
    return text if _PHONE.fullmatch(text) else None


def email_key(email: str) -> str:
    """What two spellings of one mailbox have in common: case does not count, as no large provider lets it."""
    return email.strip().casefold()


def phone_key(phone: str) -> str:
    """What two spellings of one number have in common: its digits and a leading plus."""
    digits = re.sub(r"\D", "", phone)
    return f"+{digits}" if phone.strip().startswith("+") else digits
