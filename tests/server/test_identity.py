"""Who a token says somebody is, and every way to lie about it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import stat
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from assistant.errors import SettingsError, Unauthorized
from assistant.server.identity import Tokens, open_tokens
from assistant.server.key_place import fetch_bounded
from assistant.server.keys import Jwks, open_key_source
from assistant.server.secret import load_or_make_secret
from assistant.settings import Settings

SECRET = "a-secret-of-this-deployment-0123456789abcdef"
NOW = 1_800_000_000
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library says itself that such a key is weak
    WEAK_RSA = RSAKey.generate_key(1024, {"kid": "weak"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1"})


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def tokens(
    secret: str = SECRET, *, jwks: Any = None, audience: str | None = None, clock: Clock | None = None
) -> Tokens:
    return Tokens(secret, jwks, clock or Clock(), audience=audience)


def jwks_of(*keys: Any) -> Jwks:
    document = json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()
    return Jwks(lambda: document)


def signed(claims: dict[str, Any], key: Any = None, alg: str = "HS256", **header: Any) -> str:
    key = key or OctKey.import_key(SECRET.encode())
    return jwt.encode({"alg": alg, **header}, claims, key, [alg])


def claims(**changes: Any) -> dict[str, Any]:
    whole = {"sub": "cus-1", "iat": NOW, "exp": NOW + 3600} | changes
    return {name: value for name, value in whole.items() if value is not None}


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


# what a host page signs


def test_a_signed_customer_is_known_with_what_the_token_says() -> None:
    t = tokens()
    found = t.verify_customer(
        t.sign_customer("cus-1", name="Ada Lowe", email="Ada@EXAMPLE.com", phone="+44 20 7946 0321")
    )
    assert (found.subject, found.name, found.email, found.phone) == (
        "cus-1",
        "Ada Lowe",
        "Ada@example.com",
        "+44 20 7946 0321",
    )


def test_any_jwt_library_with_the_secret_will_do() -> None:
    assert tokens().verify_customer(signed(claims())).subject == "cus-1"


@pytest.mark.parametrize(
    ("stated", "name", "email"),
    [
        pytest.param({"name": "  Ada\n\u202eLowe\x00 "}, "Ada Lowe", None, id="invisible characters"),
        pytest.param({"name": "x" * 500}, "x" * 120, None, id="endless name"),
        pytest.param({"name": {"first": "Ada"}}, None, None, id="a name that is no text"),
        pytest.param({"email": "ada@@example"}, None, None, id="no address"),
        pytest.param({"email": "ada@example.com", "email_verified": False}, None, None, id="unproven address"),
        pytest.param(
            {"email": "ada@example.com", "email_verified": True}, None, "ada@example.com", id="proven address"
        ),
    ],
)
def test_what_a_token_says_is_cleaned(stated: dict[str, Any], name: str | None, email: str | None) -> None:
    found = tokens().verify_customer(signed(claims(**stated)))
    assert (found.name, found.email) == (name, email)


@pytest.mark.parametrize(
    ("stated", "complaint"),
    [
        pytest.param({"exp": None}, "`exp`", id="no end"),
        pytest.param({"exp": "tomorrow"}, "`exp`", id="an end in words"),
        pytest.param({"exp": True}, "`exp`", id="an end that is true"),
        pytest.param({"exp": 1e400}, "`exp`", id="an endless end"),
        pytest.param({"exp": NOW - 61}, "has expired", id="expired"),
        pytest.param({"exp": NOW + 25 * 3600}, "25 hours; an identity token holds for 24", id="too long"),
        pytest.param(
            {"iat": NOW + 86_400, "exp": NOW + 80_000}, "24 hours in the future.*clock", id="a clock a day off"
        ),
        pytest.param({"nbf": NOW + 3600}, "60 minutes in the future", id="not yet"),
        pytest.param({"sub": None}, "`sub`", id="nobody"),
        pytest.param({"sub": ""}, "`sub`", id="empty"),
        pytest.param({"sub": 17}, "`sub`", id="a number"),
        pytest.param({"sub": "x" * 201}, "`sub`", id="too long a subject"),
        pytest.param({"sub": "cus\u200b-1"}, "`sub`", id="a subject that shows as another"),
        pytest.param({"aud": "tellonce:visitor"}, "something else", id="a visitor's audience"),
        pytest.param({"aud": ["shop", "tellonce:agent"]}, "something else", id="an agent's audience"),
    ],
)
def test_a_token_that_is_off_is_refused_with_the_reason(stated: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Unauthorized, match=complaint):
        tokens().verify_customer(signed(claims(**stated)))


@pytest.mark.parametrize("stated", [{"exp": NOW - 59}, {"iat": NOW + 59}, {"exp": NOW + 24 * 3600 + 59}], ids=str)
def test_a_minute_of_difference_between_clocks_is_forgiven(stated: dict[str, Any]) -> None:
    assert tokens().verify_customer(signed(claims(**stated))).subject == "cus-1"


def test_time_ends_a_token() -> None:
    clock = Clock()
    t = tokens(clock=clock)
    token = t.sign_customer("cus-1", lifetime_seconds=600)
    clock.now += 600 + 61
    with pytest.raises(Unauthorized, match="expired"):
        t.verify_customer(token)


# lies


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "PS256", "EdDSA", "dir", "RS256"]
)
def test_no_other_algorithm_is_accepted(alg: str) -> None:
    header, payload = b64(json.dumps({"alg": alg}).encode()), b64(json.dumps(claims()).encode())
    for signature in ("", b64(b"x" * 32)):
        with pytest.raises(Unauthorized):
            tokens().verify_customer(f"{header}.{payload}.{signature}")


def test_a_longer_digest_with_the_right_secret_is_still_not_accepted() -> None:
    with pytest.raises(Unauthorized):
        tokens().verify_customer(signed(claims(), alg="HS512"))


def test_a_public_key_never_verifies_a_shared_secrets_signature() -> None:
    t = tokens(jwks=jwks_of(RSA, EC))
    for key in (RSA, EC):
        for public in (
            key.as_pem(private=False),
            key.as_der(private=False),
            json.dumps(key.as_dict(private=False)).encode(),
        ):
            header = b64(json.dumps({"alg": "HS256", "kid": key.kid}).encode())
            payload = b64(json.dumps(claims()).encode())
            signature = hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest()
            with pytest.raises(Unauthorized):
                t.verify_customer(f"{header}.{payload}.{b64(signature)}")


def test_a_key_of_one_kind_never_verifies_the_others_algorithm() -> None:
    t = tokens(jwks=jwks_of(RSA))
    with pytest.raises(Unauthorized):
        t.verify_customer(signed(claims(), EC, "ES256", kid="rsa-1"))


def test_a_symmetric_key_in_the_public_set_counts_for_nothing() -> None:
    planted = OctKey.import_key("0123456789abcdef0123456789abcdef", {"kid": "planted"})
    document = json.dumps({"keys": [planted.as_dict(private=True), RSA.as_dict(private=False)]}).encode()
    with pytest.raises(Unauthorized):
        tokens(jwks=Jwks(lambda: document)).verify_customer(signed(claims(), planted, kid="planted"))


def test_a_key_that_the_token_brings_along_counts_for_nothing() -> None:
    stranger = RSAKey.generate_key(2048)
    token = jws.serialize_compact(
        {"alg": "RS256", "jwk": stranger.as_dict(private=False)}, json.dumps(claims()), stranger, ["RS256"]
    )
    with pytest.raises(Unauthorized):
        tokens(jwks=jwks_of(RSA)).verify_customer(token)


def test_an_extension_that_must_be_understood_is_refused() -> None:
    header = b64(json.dumps({"alg": "HS256", "b64": False, "crit": ["b64"]}).encode())
    with pytest.raises(Unauthorized):
        tokens().verify_customer(f"{header}.{b64(b'{}')}.{b64(b'x' * 32)}")


def test_a_token_of_another_deployment_is_refused() -> None:
    theirs = tokens("another-deployments-secret-0123456789abcdef")
    ours = tokens()
    with pytest.raises(Unauthorized):
        ours.verify_customer(theirs.sign_customer("cus-1"))
    with pytest.raises(Unauthorized):
        ours.read_visitor(theirs.issue_visitor()[1])
    with pytest.raises(Unauthorized):
        ours.read_agent(theirs.sign_agent("agt_1", 60))


@pytest.mark.parametrize("position", ["header", "payload", "signature"])
def test_one_changed_character_is_enough(position: str) -> None:
    parts = tokens().sign_customer("cus-1").split(".")
    index = ["header", "payload", "signature"].index(position)
    parts[index] = ("A" if parts[index][0] != "A" else "B") + parts[index][1:]
    with pytest.raises(Unauthorized):
        tokens().verify_customer(".".join(parts))


@pytest.mark.parametrize("size", [8193, 65_000, 1_000_000])
def test_a_huge_token_is_refused_before_it_is_read(size: int) -> None:
    huge = signed(claims(name="x" * size))
    with pytest.raises(Unauthorized):
        tokens().verify_customer(huge)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: f"{b64(raw)}.{b64(raw)}.{b64(raw)}"))
def test_nothing_that_is_no_token_does_anything_but_be_refused(text: str) -> None:
    t = tokens(jwks=jwks_of(RSA))
    for read in (t.verify_customer, t.read_visitor, t.read_agent):
        with pytest.raises(Unauthorized):
            read(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_no_header_however_odd_gets_through(value: Any) -> None:
    for header in (value, {"alg": value}, {"alg": "RS256", "kid": value}, {"alg": "HS256", "crit": value}):
        token = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims()).encode())}.{b64(b'x' * 32)}"
        with pytest.raises(Unauthorized):
            tokens(jwks=jwks_of(RSA)).verify_customer(token)


# visitors and agents


def test_a_visitor_is_recognised_by_the_token_and_no_two_are_one() -> None:
    t = tokens()
    (one, token), (other, _) = t.issue_visitor(), t.issue_visitor()
    assert t.read_visitor(token) == one
    assert one != other


def test_no_token_opens_a_door_it_was_not_made_for() -> None:
    t = tokens()
    customer, visitor, agent = t.sign_customer("agt_1"), t.issue_visitor()[1], t.sign_agent("agt_1", 60)
    for read, own in ((t.verify_customer, customer), (t.read_visitor, visitor), (t.read_agent, agent)):
        assert read(own)
        for token in {customer, visitor, agent} - {own}:
            with pytest.raises(Unauthorized):
                read(token)


def test_the_host_pages_secret_alone_makes_no_visitors_or_agents_token() -> None:
    for audience, read in (("tellonce:agent", tokens().read_agent), ("tellonce:visitor", tokens().read_visitor)):
        with pytest.raises(Unauthorized):
            read(signed(claims(aud=audience)))


def test_an_agents_session_ends() -> None:
    clock = Clock()
    t = tokens(clock=clock)
    session = t.sign_agent("agt_1", 3600)
    assert t.read_agent(session) == "agt_1"
    assert t.sign_agent("agt_1", 3600) != session, "one of two sessions of the same second could not be ended alone"
    clock.now += 3600 + 61
    with pytest.raises(Unauthorized, match="expired"):
        t.read_agent(session)


# an identity provider's keys


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256")], ids=["RS256", "ES256"])
async def test_keys_of_an_identity_provider_are_accepted(key: Any, alg: str) -> None:
    t = tokens(jwks=jwks_of(RSA, EC))
    assert t.verify_customer(signed(claims(), key, alg, kid=key.kid)).subject == "cus-1"
    assert t.verify_customer(signed(claims(), key, alg)).subject == "cus-1"  # the only one of its kind
    assert (await t.identify(signed(claims(), key, alg))).subject == "cus-1"


def test_without_configured_keys_none_are_accepted() -> None:
    with pytest.raises(Unauthorized, match="not accepted here"):
        tokens().verify_customer(signed(claims(), RSA, "RS256"))


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_weak_key_is_not_used() -> None:
    with pytest.raises(Unauthorized):
        tokens(jwks=jwks_of(WEAK_RSA)).verify_customer(signed(claims(), WEAK_RSA, "RS256", kid="weak"))


@pytest.mark.parametrize(("aud", "fits"), [("shop", True), (["shop", "x"], True), ("other-app", False), (None, False)])
def test_with_an_audience_set_only_tokens_made_for_us_count(aud: Any, fits: bool) -> None:
    t = tokens(jwks=jwks_of(RSA), audience="shop")
    token = signed(claims(aud=aud), RSA, "RS256")
    if fits:
        assert t.verify_customer(token).subject == "cus-1"
    else:
        with pytest.raises(Unauthorized, match="something else"):
            t.verify_customer(token)


def test_a_new_key_is_fetched_and_an_unknown_one_does_not_fetch_without_end() -> None:
    clock, reads, published = Clock(0), [], [RSA]

    def load() -> bytes:
        reads.append(clock.now)
        return json.dumps({"keys": [key.as_dict(private=False) for key in published]}).encode()

    keys = Jwks(load, clock)
    t = tokens(jwks=keys)
    assert t.verify_customer(signed(claims(), RSA, "RS256", kid="rsa-1"))
    for _ in range(50):
        with pytest.raises(Unauthorized):
            t.verify_customer(signed(claims(), EC, "ES256", kid="ec-1"))
    assert len(reads) == 1
    published.append(EC)
    clock.now += 11
    assert t.verify_customer(signed(claims(), EC, "ES256", kid="ec-1"))
    assert len(reads) == 2


def test_the_keys_we_have_stay_in_force_while_the_provider_is_down() -> None:
    clock, up = Clock(0), [True]

    def load() -> bytes:
        if not up[0]:
            raise OSError("down")
        return json.dumps({"keys": [RSA.as_dict(private=False)]}).encode()

    t = tokens(jwks=Jwks(load, clock))
    token = signed(claims(), RSA, "RS256", kid="rsa-1")
    assert t.verify_customer(token)
    up[0], clock.now = False, 10_000
    assert t.verify_customer(token)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1, {"kty": "RSA"}, {}]}'], ids=repr
)
def test_a_broken_key_set_verifies_nothing(document: bytes) -> None:
    with pytest.raises(Unauthorized):
        tokens(jwks=Jwks(lambda: document)).verify_customer(signed(claims(), RSA, "RS256"))


@pytest.fixture
def provider() -> Iterator[Any]:
    """A real HTTP server on loopback that serves `body` at every path, or redirects from /moved."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            moved = self.path == "/moved"
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("location", "/keys")
            self.end_headers()
            self.wfile.write(b"" if moved else server.body)

        def log_message(self, *args: Any) -> None:
            pass

    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body = json.dumps({"keys": [RSA.as_dict(private=False)]}).encode()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_keys_are_fetched_from_an_address(provider: Any) -> None:
    t = tokens(jwks=open_key_source(f"{provider.url}/keys"))
    assert t.verify_customer(signed(claims(), RSA, "RS256", kid="rsa-1")).subject == "cus-1"


@pytest.mark.parametrize(("path", "padding"), [("/moved", 0), ("/keys", 300_000)], ids=["redirected", "endless"])
def test_neither_redirects_nor_endless_documents_are_followed(provider: Any, path: str, padding: int) -> None:
    provider.body += b" " * padding
    with pytest.raises(Unauthorized):
        tokens(jwks=open_key_source(provider.url + path)).verify_customer(signed(claims(), RSA, "RS256"))


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(500),
        httpx.Response(204),
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["500", "no content", "a page", "refused", "slow"],
)
@respx.mock
def test_a_provider_that_is_down_leaves_the_keys_that_are_known(broken: httpx.Response | Exception) -> None:
    clock = Clock()
    route = respx.get("https://id.example.com/keys")
    route.mock(return_value=httpx.Response(200, json={"keys": [RSA.as_dict(private=False)]}))
    keys = Jwks(lambda: fetch_bounded("https://id.example.com/keys"), clock=clock)
    t = tokens(jwks=keys)
    token = signed(claims(), RSA, "RS256", kid="rsa-1")
    assert t.verify_customer(token).subject == "cus-1"

    clock.now += 48 * 3600
    route.side_effect = lambda request: _respond(broken)

    assert t.verify_customer(token).subject == "cus-1"
    assert route.call_count == 2


def _respond(what: httpx.Response | Exception) -> httpx.Response:
    if isinstance(what, Exception):
        raise what
    return what


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [EC.as_dict(private=False)]}))
    assert tokens(jwks=open_key_source(str(file))).verify_customer(signed(claims(), EC, "ES256"))


@pytest.mark.parametrize("place", ["http://example.com/keys", "ftp://x/keys", "/nowhere/jwks.json", ""])
def test_a_place_that_holds_no_keys_stops_the_start(place: str) -> None:
    with pytest.raises(SettingsError, match="TELLONCE_IDENTITY_JWKS"):
        open_key_source(place)


# the secret


def test_the_secret_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", identity_secret=None)
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: load_or_make_secret(settings), range(16)))
    assert len(secrets) == 1
    file = tmp_path / "data" / "identity.secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["identity.secret"]
    assert load_or_make_secret(settings) in secrets


def test_a_secret_that_others_can_read_is_closed_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, identity_secret=None)
    load_or_make_secret(settings)
    (tmp_path / "identity.secret").chmod(0o644)
    load_or_make_secret(settings)
    assert stat.S_IMODE((tmp_path / "identity.secret").stat().st_mode) == 0o600


def test_a_short_secret_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"5 bytes.*openssl rand"):
        load_or_make_secret(Settings(data_dir=tmp_path, identity_secret="short"))
    (tmp_path / "identity.secret").write_text("short\n")
    with pytest.raises(SettingsError, match="delete the file"):
        load_or_make_secret(Settings(data_dir=tmp_path, identity_secret=None))


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="TELLONCE_IDENTITY_SECRET"):
        load_or_make_secret(Settings(data_dir=tmp_path / "file", identity_secret=None))


def test_keys_of_an_identity_provider_open_from_settings(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [EC.as_dict(private=False)]}))
    opened = open_tokens(Settings(data_dir=tmp_path, identity_secret=SECRET, identity_jwks=str(file)))
    now = int(time.time())
    assert opened.verify_customer(signed(claims(iat=now, exp=now + 60), EC, "ES256", kid="ec-1")).subject == "cus-1"


def test_tokens_open_from_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, identity_secret=SECRET)
    one, other = open_tokens(settings), open_tokens(settings)
    assert other.verify_customer(one.sign_customer("cus-1")).subject == "cus-1"
