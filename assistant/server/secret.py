"""The secret that signs identities: set, or made once in the data folder. Floor: door; `identity.py` signs with it."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

import structlog

from assistant.errors import SettingsError
from assistant.settings import Settings

logger = structlog.get_logger(__name__)

FILE_NAME = "identity.secret"
SECRET_MIN_BYTES = 32  # RFC 7518 section 3.2: an HS256 key has at least the digest's size


def check_secret(secret: str) -> None:
    """Raises SettingsError for a secret that could be guessed by trying."""
    size = len(secret.encode())
    if size < SECRET_MIN_BYTES:
        raise SettingsError(
            f"TELLONCE_IDENTITY_SECRET has {size} bytes, too few to be safe: use {SECRET_MIN_BYTES} or more, "
            "for example the output of `openssl rand -hex 32`, or unset it to have one made."
        )


def check_made_secret(settings: Settings) -> None:
    """Raises SettingsError where `load_or_make_secret` would refuse what is set or was made before; makes none."""
    path = settings.data_dir / FILE_NAME
    if settings.identity_secret is not None:
        check_secret(settings.identity_secret.get_secret_value())
    elif path.exists():
        _load_secret_file(path)


def load_or_make_secret(settings: Settings) -> str:
    """The identity secret: the setting, or the one in the data folder, made there on the first start.

    Raises:
        SettingsError: it is too short, or the file can neither be read nor made.
    """
    if settings.identity_secret is not None:
        secret = settings.identity_secret.get_secret_value()
        check_secret(secret)
        return secret
    path = settings.data_dir / FILE_NAME
    try:
        if not path.exists():
            _make_secret_file(path)
        _close_to_others(path)
    except OSError as error:
        raise _unusable(path, error) from error
    return _load_secret_file(path)


def _make_secret_file(path: Path) -> None:
    # written aside and linked into place: two processes that start at once agree on one secret, and a crash leaves none
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".identity-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
        logger.info("identity.secret_made")
    except FileExistsError:
        pass
    finally:
        Path(aside).unlink(missing_ok=True)


def _close_to_others(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
        logger.warning("identity.secret_was_readable_by_others")


def _load_secret_file(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _unusable(path, error) from error
    if len(secret.encode()) < SECRET_MIN_BYTES:
        raise SettingsError(
            f"The identity secret in {path} is too short to be safe: delete the file to have a new one made "
            "(visitors and agents sign in anew), or set TELLONCE_IDENTITY_SECRET."
        )
    return secret


def _unusable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"The identity secret in {path} cannot be used: {error.strerror}. "
        "Give this user the folder, or set TELLONCE_IDENTITY_SECRET."
    )
