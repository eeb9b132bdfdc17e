"""Every refusal this product can utter, as one tree. Floor: pure.

    TellonceError                 code           HTTP
    ├── BadFrame                  bad_frame      400    the words of a request are off
    ├── TooLarge                  too_large      413
    ├── Unauthorized              unauthorized   401    a credential is missing, expired or forged
    ├── Forbidden                 forbidden      403    known, but not allowed
    ├── NotFound                  not_found      404
    ├── RateLimited               rate_limited   429    carries `retry_after_seconds`
    ├── Conflict                  conflict       409    the world has moved on
    │   └── Superseded                                  an append's condition no longer holds
    └── Unavailable               unavailable    503    something outside of us is down
        ├── ModelUnavailable                            the language model: down, slow, malformed
        └── StorageUnavailable                          disk full, database locked
    SettingsError                 settings       -      stops the start: name, value, remedy

Adapters raise these with the library's exception as the cause. `str(error)` is a sentence for the person who meets it.
"""

from __future__ import annotations

from typing import ClassVar


class TellonceError(Exception):
    """The root. `str(error)` is safe to show: it never holds a credential, a path or somebody else's data."""

    code: ClassVar[str] = "unavailable"
    http_status: ClassVar[int] = 500
    default_message: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(self, message: str | None = None, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message or self.default_message)
        self.retry_after_seconds = retry_after_seconds


class BadFrame(TellonceError):
    code = "bad_frame"
    http_status = 400
    default_message = "This request could not be read."


class TooLarge(TellonceError):
    code = "too_large"
    http_status = 413
    default_message = "This is too long. Please send it in smaller parts."


class Unauthorized(TellonceError):
    code = "unauthorized"
    http_status = 401
    default_message = "Please sign in again: this sign-in is not valid any more."


class Forbidden(TellonceError):
    code = "forbidden"
    http_status = 403
    default_message = "You do not have access to this."


class NotFound(TellonceError):
    code = "not_found"
    http_status = 404
    default_message = "This could not be found."


class RateLimited(TellonceError):
    code = "rate_limited"
    http_status = 429
    default_message = "That was a lot at once. Please wait a moment."


class Conflict(TellonceError):
    code = "conflict"
    http_status = 409
    default_message = "This has changed in the meantime. Please look again."


class Superseded(Conflict):
    """An append was conditional on nothing having happened, and something had (see `journal.port.Unless`)."""


class Unavailable(TellonceError):
    code = "unavailable"
    http_status = 503
    default_message = "This is not available right now. Please try again shortly."


class ModelUnavailable(Unavailable):
    """The language model gave no usable answer. `reason` is a short stable word for logs and metrics."""

    default_message = "The language model is not answering."

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class StorageUnavailable(Unavailable):
    default_message = "Nothing can be saved right now. Your message is kept on your device and sent again."


class SettingsError(Exception):
    """A setting stops the start. The message names the setting, its value and the remedy."""
