"""Who a token says somebody is: customers signed by the host page, visitors and agents by us. Floor: door.

One key a purpose, derived from one secret: a token made for one door is noise at every other. See PROTOCOL section 6.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey
from joserfc.jws import JWSRegistry, extract_compact

from assistant.errors import Unauthorized
from assistant.profile.customer import Claims
from assistant.profile.traits import clean_email, clean_line, clean_name, clean_phone
from assistant.server.keys import KeySource, open_key_source
from assistant.server.secret import check_secret, load_or_make_secret
from assistant.settings import Settings

logger = structlog.get_logger(__name__)

TOKEN_MAX_CHARS = 8192
SUBJECT_MAX_CHARS = 200
IDENTITY_MAX_SECONDS = 24 * 3600
VISITOR_SECONDS = 365 * 24 * 3600
LEEWAY_SECONDS = 60

IDENTITY = "tellonce:identity"
VISITOR = "tellonce:visitor"
AGENT = "tellonce:agent"

Clock = Callable[[], float]


class Tokens:
    """Signs and verifies every token. `secret` is shared with the host page; `jwks` holds its public keys, if any.

    `audience`, where set, must be among an identity token's `aud`: needed when the JWKS belongs to an identity provider
    that signs for other applications too.
    """

    def __init__(
        self, secret: str, jwks: KeySource | None = None, clock: Clock = time.time, *, audience: str | None = None
    ) -> None:
        check_secret(secret)
        self._identity_key = OctKey.import_key(secret.encode())
        self._keys = {purpose: OctKey.import_key(_derive(secret, purpose)) for purpose in (VISITOR, AGENT)}
        self._jwks = jwks
        self._clock = clock
        self._audience = audience

    # customers: signed by the host page

    def verify_customer(self, token: str) -> Claims:
        """What the host page signed. May wait up to three seconds for a JWKS the first time: see `identify`.

        Raises:
            Unauthorized: forged, expired, too long-lived, from a wrong clock, or not an identity token at all.
        """
        algorithm, key_id = _read_header(token)
        if algorithm == "HS256":
            claims = self._open(token, self._identity_key, algorithm)
        elif algorithm in ("RS256", "ES256") and self._jwks is not None:
            claims = self._open(token, self._jwks.find(algorithm, key_id), algorithm)
        else:
            raise Unauthorized("This sign-in is signed in a way that is not accepted here.")
        self._check_times(claims, longest_seconds=IDENTITY_MAX_SECONDS)
        self._check_audience(claims)
        return _customer_claims(claims)

    async def identify(self, token: str) -> Claims:
        """`verify_customer` for the event loop: at once where the key is at hand, in a thread where it is fetched."""
        if self._jwks is None:
            return self.verify_customer(token)
        return await asyncio.to_thread(self.verify_customer, token)

    def sign_customer(
        self,
        sub: str,
        *,
        name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        lifetime_seconds: float = 3600,
    ) -> str:
        """An identity token as a host page would sign it (the demo shop does)."""
        known = {"name": name, "email": email, "phone": phone}
        claims = {"sub": sub, **{key: value for key, value in known.items() if value}}
        return self._seal(claims, self._identity_key, lifetime_seconds)

    # visitors and agents: signed by us

    def issue_visitor(self) -> tuple[str, str]:
        """A new visitor's id, and the token with which the browser proves to be that visitor next time."""
        visitor_id = f"vis_{uuid.uuid4().hex}"
        return visitor_id, self._seal({"sub": visitor_id, "aud": VISITOR}, self._keys[VISITOR], VISITOR_SECONDS)

    def read_visitor(self, token: str) -> str:
        """The visitor's id. Raises Unauthorized."""
        return self._read_own(token, VISITOR)

    def sign_agent(self, agent_id: str, lifetime: float) -> str:
        """A session for this agent, `lifetime` seconds long; no two are the same, so that each can be ended alone."""
        return self._seal({"sub": agent_id, "aud": AGENT, "jti": uuid.uuid4().hex}, self._keys[AGENT], lifetime)

    def read_agent(self, token: str) -> str:
        """The agent's id; whether that agent still works here is for `desk.agents` to say. Raises Unauthorized."""
        return self._read_own(token, AGENT)

    def _read_own(self, token: str, purpose: str) -> str:
        algorithm, _ = _read_header(token)
        if algorithm != "HS256":
            raise Unauthorized
        claims = self._open(token, self._keys[purpose], "HS256")
        self._check_times(claims, longest_seconds=None)
        if claims.get("aud") != purpose:
            raise Unauthorized
        return _subject(claims)

    def _seal(self, claims: dict[str, Any], key: OctKey, lifetime_seconds: float) -> str:
        now = int(self._clock())
        return jwt.encode({"alg": "HS256"}, {**claims, "iat": now, "exp": now + int(lifetime_seconds)}, key, ["HS256"])

    @staticmethod
    def _open(token: str, key: Key, algorithm: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, key, registry=_registry(algorithm)).claims
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthorized("This sign-in is not signed by anyone we trust.") from error

    def _check_times(self, claims: dict[str, Any], *, longest_seconds: int | None) -> None:
        now = self._clock()
        expires = _number(claims, "exp", required=True)
        for name in ("iat", "nbf"):
            ahead = _number(claims, name) - now
            if ahead > LEEWAY_SECONDS:
                raise Unauthorized(_clock_sentence(ahead))
        if expires <= now - LEEWAY_SECONDS:
            raise Unauthorized("This sign-in has expired. Please sign in again.")
        if longest_seconds is not None and expires > now + longest_seconds + LEEWAY_SECONDS:
            raise Unauthorized(
                f"This sign-in would hold for {_span(expires - now)}; an identity token holds for 24 hours at most."
            )

    def _check_audience(self, claims: dict[str, Any]) -> None:
        stated = claims.get("aud")
        audiences = stated if isinstance(stated, list) else [] if stated is None else [stated]
        ours = [a for a in audiences if isinstance(a, str) and a.startswith("tellonce:") and a != IDENTITY]
        if ours or (self._audience is not None and self._audience not in audiences):
            raise Unauthorized("This sign-in was made for something else.")


def open_tokens(settings: Settings) -> Tokens:
    """Tokens of this deployment: its secret, and its JWKS where one is set."""
    jwks = settings.identity_jwks
    audience = settings.identity_audience
    return Tokens(load_or_make_secret(settings), open_key_source(jwks) if jwks else None, audience=audience)


def _derive(secret: str, purpose: str) -> bytes:
    """A key of its own for each purpose (one block of HKDF-Expand, RFC 5869 section 2.3)."""
    return hmac.new(secret.encode(), f"{purpose}:v1\x01".encode(), hashlib.sha256).digest()


def _read_header(token: str) -> tuple[str, str | None]:
    """Algorithm and key id as the token states them; nothing is believed yet."""
    if not isinstance(token, str) or not token or len(token) > TOKEN_MAX_CHARS:
        raise Unauthorized
    try:
        header = extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError, UnicodeError, RecursionError) as error:
        raise Unauthorized("This sign-in could not be read.") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    # `crit` asks for extensions (RFC 7515 section 4.1.11); none is understood here
    if not isinstance(algorithm, str) or "crit" in header or not isinstance(key_id, str | None):
        raise Unauthorized("This sign-in is signed in a way that is not accepted here.")
    return algorithm, key_id


def _registry(algorithm: str) -> JWSRegistry:
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = 2048  # issuers add certificates' thumbprints; TOKEN_MAX_CHARS bounds the whole
    return registry


def _number(claims: dict[str, Any], name: str, *, required: bool = False) -> float:
    value = claims.get(name)
    if value is None and not required:
        return -math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        raise Unauthorized(f"This sign-in does not say properly when it was made or ends (`{name}`).")
    return float(value)


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX_CHARS or clean_line(subject) != subject:
        raise Unauthorized(f"This sign-in does not say who it is for (`sub`, 1 to {SUBJECT_MAX_CHARS} characters).")
    return subject


def _customer_claims(claims: dict[str, Any]) -> Claims:
    # an identity provider that says an address is unproven (OpenID Connect Core section 5.1) is taken at its word
    email = None if claims.get("email_verified") is False else clean_email(claims.get("email"))
    phone = None if claims.get("phone_number_verified") is False else clean_phone(claims.get("phone"))
    good_until = _number(claims, "exp", required=True) + LEEWAY_SECONDS
    return Claims(_subject(claims), clean_name(claims.get("name")), email, phone, good_until)


def _clock_sentence(ahead_seconds: float) -> str:
    return (
        f"This sign-in was made {_span(ahead_seconds)} in the future: "
        "the clock of the site that signed it, or ours, is wrong."
    )


def _span(seconds: float) -> str:
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} minutes"
    return f"{round(seconds / 3600)} hours" if seconds < 172_800 else f"{round(seconds / 86_400)} days"
