"""The customer's socket, `/ws/chat`: who is there, what they may do, what they are told. Floor: door.

`frames.py` knows the words, `inbound.py` the verbs; here are the handshake, the session and its delivery. One task a
connection: bus sinks write straight into the transport, and only a replay waits for the reader.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog

from assistant.channels import frames
from assistant.channels.fields import OversizedFrame, UnreadableFrame
from assistant.channels.frames import (
    AskHuman,
    ClientFrame,
    End,
    Hello,
    Ping,
    Rate,
    Say,
    Seen,
    SurveyAnswer,
    Writing,
    parse_frame,
)
from assistant.channels.inbound import Inbound, context_event, identified_event
from assistant.channels.sockets import (
    DRAFT_BUFFER_BYTES,
    POLICY,
    REPLAY_EVENTS,
    TRY_LATER,
    TYPING_INTERVAL_SECONDS,
    BadFrames,
    Receive,
    Refused,
    Scope,
    Send,
    Wire,
    check_origin,
    choose_subprotocol,
    first_frame,
    keep_pace,
    next_frame,
)
from assistant.errors import (
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    StorageUnavailable,
    TellonceError,
    Unauthorized,
)
from assistant.journal.bus import Bus, Draft, Item, Standing, Typing, Unsubscribe
from assistant.journal.events import Audience, Author, Event, Kind, NewEvent, Role
from assistant.journal.port import Appended, Conversation, Journal
from assistant.profile.customer import Claims, Customer
from assistant.server.problems import refuse_handshake

if TYPE_CHECKING:
    from assistant.server.limits import Limits
    from assistant.server.metrics import Metrics

logger = structlog.get_logger(__name__)


LOOK_FOR_ERASED_SECONDS = 5.0


class Identities(Protocol):
    """What the door needs of `server.identity.Tokens`."""

    async def identify(self, token: str) -> Claims: ...
    def issue_visitor(self) -> tuple[str, str]: ...
    def read_visitor(self, token: str) -> str: ...


async def nobody_erased(customer_ids: Collection[str]) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class WebDoor:
    """The ASGI endpoint, and all that its sessions share. `erased`: which of these customers were erased since."""

    journal: Journal
    bus: Bus
    inbound: Inbound
    tokens: Identities
    recognise: Callable[[Claims], Awaitable[Customer]]
    limits: Limits
    metrics: Metrics
    mode: Callable[[], str]
    origins: frozenset[str]
    send_buffer_bytes: int
    standing: Callable[[str], Standing | None] = lambda conversation_id: None  # a conversation's place in the queue
    erased: Callable[[Collection[str]], Awaitable[frozenset[str]]] = nobody_erased
    signed_in: set[Session] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its handshake to its end."""
        await receive()  # websocket.connect
        try:
            check_origin(scope, self.origins)
            subprotocol = choose_subprotocol(scope)
            address = (scope.get("client") or (None,))[0]
            self.limits.count_connection(address)
        except TellonceError as error:
            self.metrics.count_refusal(error.code)
            await refuse_handshake(send, error)
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        wire: Wire = scope["extensions"]["tellonce.wire"]
        structlog.contextvars.bind_contextvars(connection=uuid.uuid4().hex[:12])
        self.metrics.connections.inc()
        session = Session(self, wire, address)
        try:
            await session.run(receive)
        except Refused as refused:
            wire.cut_off(refused.code, refused.reason)
        finally:
            session.close()
            self.metrics.connections.dec()

    async def watch_erased(self) -> None:
        """Closes, for as long as the server runs, what is open of customers who were erased, by whichever process."""
        while True:
            await asyncio.sleep(LOOK_FOR_ERASED_SECONDS)
            ids = {session.customer_id for session in self.signed_in if session.customer_id}
            try:
                erased = await self.erased(ids) if ids else frozenset()
            except StorageUnavailable as error:
                logger.warning("web.erased_unknown", error=str(error))
                continue
            for session in [one for one in self.signed_in if one.customer_id in erased]:
                session.forget()


class Session:
    """One customer on one socket."""

    __slots__ = (
        "_address",
        "_author",
        "_bad_frames",
        "_behind_seq",
        "_conversation_id",
        "_customer_id",
        "_door",
        "_draft",
        "_expiry",
        "_held",
        "_knows_queue",
        "_live",
        "_pending",
        "_sent_seq",
        "_typing_at",
        "_typing_on",
        "_unsubscribe",
        "_untouched",
        "_visitor_id",
        "_wire",
    )

    def __init__(self, door: WebDoor, wire: Wire, address: str | None) -> None:
        self._door = door
        self._wire = wire
        self._address = address
        self._author = Author(Role.CUSTOMER)
        self._bad_frames = BadFrames()
        self._conversation_id = ""
        self._visitor_id = ""
        self._customer_id: str | None = None
        self._pending: tuple[NewEvent, ...] = ()  # told with the first words: who this is, where they are
        self._unsubscribe: Unsubscribe | None = None
        self._expiry: asyncio.TimerHandle | None = None  # when the identity stops proving anything
        self._untouched = False  # nothing happened in this conversation yet, as far as is known here
        self._live = False  # False while the journal is being replayed
        self._knows_queue = False  # whether this client is told its place as it moves
        self._sent_seq = 0
        self._behind_seq = 0  # the newest event that was published during a replay
        self._draft = (0, -1)  # turn and n of the last draft sent
        self._held: list[Item] | None = None  # what was published while an act waits for its ack
        self._typing_on = False
        self._typing_at = 0.0

    async def run(self, receive: Receive) -> None:
        """Serves the connection until the customer leaves. Raises Refused to have it closed."""
        if not await self._await_hello(receive):
            return
        while (raw := await next_frame(receive)) is not None:
            await self._take(raw)

    @property
    def customer_id(self) -> str | None:
        """Who has signed in; None for a visitor."""
        return self._customer_id

    def forget(self) -> None:
        """The customer was erased: nothing is done in their name any more. A signed return begins anew."""
        self._end_identity("What was kept about you has been erased, and this sign-in ended with it.")

    def close(self) -> None:
        """Undoes what the session did outside of itself."""
        self._door.signed_in.discard(self)
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        self._tell_typing(False)

    # hello

    async def _await_hello(self, receive: Receive) -> bool:
        """True once welcomed, False when the customer left before. A refused hello may be followed by another."""
        while True:
            if (raw := await first_frame(receive)) is None:
                return False
            if (hello := self._read(raw)) is None:
                continue
            self._door.metrics.count_frame(hello)
            if isinstance(hello, Hello) and await self._answer(self._welcome(hello), None):
                return True
            if not isinstance(hello, Hello):
                self._complain(UnreadableFrame("Say `hello` first.", getattr(hello, "id", None)))
            else:
                self.close()
                self._bad_frames.count()

    async def _welcome(self, hello: Hello) -> None:
        door = self._door
        visitor_id, visitor_token = (
            (door.tokens.read_visitor(hello.visitor), hello.visitor) if hello.visitor else door.tokens.issue_visitor()
        )
        claims = await door.tokens.identify(hello.identity) if hello.identity else None
        customer = await door.recognise(claims) if claims else None
        customer_id = customer.id if customer else None
        self._author = Author(Role.CUSTOMER, customer.name if customer else None, customer_id or visitor_id)
        conversation = await self._open_conversation(hello, visitor_id, customer_id)
        self._visitor_id, self._customer_id, self._conversation_id = visitor_id, customer_id, conversation.id
        self._untouched = conversation.head_seq == 0
        self._knows_queue = "queue" in hello.also
        structlog.contextvars.bind_contextvars(conversation=conversation.id)
        if customer_id is not None:
            door.signed_in.add(self)
            await self._attach(conversation, customer_id)
        await self._note_context(conversation, hello)
        # Subscribed before reading: an event between the two is noticed, and sent once.
        self._unsubscribe = door.bus.subscribe(conversation.id, self._deliver)
        if claims is not None and claims.good_until is not None:
            self._expiry = asyncio.get_running_loop().call_later(claims.good_until - time.time(), self._expire)
        self._wire.write_text(
            frames.welcome_frame(
                visitor=visitor_token,
                conversation=conversation.id,
                seq=conversation.head_customer_seq,
                customer_name=customer.name if customer else None,
                verified=customer is not None,
                resumed=hello.conversation is not None,
                mode=door.mode(),
            )
        )
        await self._replay(hello.after)

    async def _open_conversation(self, hello: Hello, visitor_id: str, customer_id: str | None) -> Conversation:
        journal = self._door.journal
        if hello.conversation is None:
            if hello.after:
                raise Conflict("There is no conversation yet, so there is nothing after that number.")
            self._door.limits.count_conversation(self._address)
            return await journal.create_conversation(visitor_id=visitor_id, customer_id=customer_id)
        conversation = await journal.load_conversation(hello.conversation)
        if conversation is None:
            raise NotFound("This conversation could not be found.")
        check_access(conversation, visitor_id, customer_id)
        if hello.after > conversation.head_seq:
            raise Conflict("This conversation does not go that far. Please load it from the start.")
        return conversation

    async def _attach(self, conversation: Conversation, customer_id: str) -> None:
        """The conversation belongs to this customer now, and its journal says so; once there is anything in it."""
        if conversation.customer_id is None:
            await self._door.journal.attach_customer(conversation.id, customer_id)
        elif conversation.head_seq > 0:
            return
        identified = identified_event(customer_id)
        if conversation.head_seq > 0:
            await self._door.journal.append(conversation.id, [identified])
        else:
            self._pending = (identified,)

    async def _note_context(self, conversation: Conversation, hello: Hello) -> None:
        """Where the visitor is goes along with their next words, unless the journal says so already."""
        context = context_event(self._author, hello.page, hello.locale)
        if context is None:
            return
        known = await self._door.journal.newest(conversation.id, Kind.CONTEXT) if conversation.head_seq else None
        if known is None or known.data != context.data:
            self._pending = (*self._pending, context)

    def _expire(self) -> None:
        """A proof of who this is holds no longer than its token says, however long the socket stays open."""
        self._end_identity("This sign-in has expired. Please sign in again.")

    def _end_identity(self, told: str) -> None:
        self._wire.write_text(frames.error_frame(Unauthorized(told)))
        self._wire.cut_off(POLICY, "identity_expired")

    # delivery

    async def _replay(self, after: int) -> None:
        """Every event after `after`, a page at a time and no faster than the reader takes them; then live."""
        self._sent_seq = self._behind_seq = after
        while True:
            page = await self._door.journal.read(
                self._conversation_id, after=self._sent_seq, audience=Audience.EVERYONE, limit=REPLAY_EVENTS
            )
            for event in page:
                self._wire.write_text(frames.event_frame(event))
                self._sent_seq = event.seq
                await self._keep_pace()
            if len(page) < REPLAY_EVENTS and self._behind_seq <= self._sent_seq:
                self._live = True
                break
        if self._knows_queue and (standing := self._door.standing(self._conversation_id)):
            self._wire.write_text(frames.queue_frame(standing))  # the journal tells the place that it began with

    async def _keep_pace(self) -> None:
        try:
            await keep_pace(self._wire)
        except Refused:
            self._door.metrics.slow_readers.inc()
            raise

    def _deliver(self, item: Item) -> None:
        """The bus's sink: returns at once, whatever the reader does."""
        if self._held is not None:
            self._held.append(item)
        elif isinstance(item, Event):
            self._deliver_event(item)
        elif not self._live or self._wire.buffered_bytes > DRAFT_BUFFER_BYTES:
            return
        elif isinstance(item, Draft):
            # A draft is only useful when every one before it arrived: after a hole, the rest of the turn is left out.
            if item.n == 0 or self._draft == (item.turn, item.n - 1):
                self._draft = (item.turn, item.n)
                self._wire.write_now(frames.draft_frame(item))
        elif isinstance(item, Standing):
            if self._knows_queue:
                self._wire.write_text(frames.queue_frame(item))
        elif item.author.role is not Role.CUSTOMER:
            self._wire.write_text(frames.typing_frame(item))

    def _deliver_event(self, event: Event) -> None:
        if event.audience is not Audience.EVERYONE or event.seq <= self._sent_seq:
            return
        if not self._live:
            self._behind_seq = max(self._behind_seq, event.seq)
            return
        self._wire.write_text(frames.event_frame(event))
        self._sent_seq = event.seq
        if self._wire.buffered_bytes > self._door.send_buffer_bytes:
            self._door.metrics.slow_readers.inc()
            logger.info("web.slow_reader", buffered_bytes=self._wire.buffered_bytes)
            self._live = False  # nothing more is written; the journal has the rest
            self._wire.cut_off(TRY_LATER, "slow_reader")

    # what the customer sends

    async def _take(self, raw: str | bytes) -> None:
        if (frame := self._read(raw)) is None:
            return
        match frame:
            case Ping():
                self._wire.write_text(frames.PONG)
            case Writing(on):
                self._tell_typing(on)
            case Seen():
                pass  # ephemeral: nobody is told, and nothing is kept
            case Hello():
                self._complain(UnreadableFrame("`hello` was already said on this connection."))
            case _:
                await self._answer(self._act(frame), frame.id)
        self._door.metrics.count_frame(frame)

    async def _act(self, frame: Say | Rate | SurveyAnswer | AskHuman | End) -> None:
        """One durable act, acknowledged once it is committed."""
        door = self._door
        if self._customer_id is not None and await door.erased((self._customer_id,)):
            self.forget()
            return
        door.limits.check_message(self._visitor_id)
        started = time.perf_counter()
        self._held = []
        try:
            appended = await self._commit(frame)
            self._wire.write_text(frames.ack_frame(frame.id, appended.events[0].seq))
        finally:
            self._release_held()
        door.metrics.ack_seconds.observe(time.perf_counter() - started)
        if not appended.repeated:
            door.limits.count_message(self._visitor_id)

    def _release_held(self) -> None:
        """The ack goes first, then the events that the act itself caused (PROTOCOL section 3), then all others."""
        held, self._held = self._held or [], None
        for item in held:
            self._deliver(item)

    async def _commit(self, frame: Say | Rate | SurveyAnswer | AskHuman | End) -> Appended:
        inbound, conversation, author = self._door.inbound, self._conversation_id, self._author
        match frame:
            case Say(frame_id, text):
                first, self._untouched = self._untouched, False
                appended = await inbound.say(conversation, author, text, frame_id, also=self._pending, first=first)
                self._pending = ()
            case AskHuman(frame_id, reason):
                appended = await inbound.ask_human(conversation, author, reason, frame_id, also=self._pending)
                self._pending = ()
            case Rate(frame_id, seq, useful, comment):
                appended = await inbound.rate(conversation, author, seq, useful, comment, frame_id)
            case SurveyAnswer(frame_id, survey, score, comment):
                appended = await inbound.answer_survey(conversation, author, survey, score, frame_id, comment)
            case End(frame_id):
                appended = await inbound.end(conversation, author, frame_id)
        return appended

    async def _answer(self, act: Awaitable[None], frame_id: str | None) -> bool:
        """Whether the act succeeded; if not, the customer has been told why and the connection stays open."""
        try:
            await act
        except RateLimited as error:
            self._door.metrics.rate_limited.inc()
            self._wire.write_text(frames.error_frame(error, frame_id))
        except TellonceError as error:
            self._wire.write_text(frames.error_frame(error, frame_id))
        except Refused:
            raise
        except Exception:
            logger.exception("web.frame_failed")
            self._wire.write_text(frames.error_frame(TellonceError(), frame_id))
        else:
            return True
        return False

    def _tell_typing(self, on: bool) -> None:
        now = time.monotonic()
        if on == self._typing_on and (not on or now - self._typing_at < TYPING_INTERVAL_SECONDS):
            return
        self._typing_on, self._typing_at = on, now
        self._door.bus.publish(Typing(self._conversation_id, self._author, on))

    # bad frames

    def _read(self, raw: str | bytes) -> ClientFrame | None:
        try:
            frame = parse_frame(raw)
        except (UnreadableFrame, OversizedFrame) as error:
            self._complain(error)
            return None
        return frame

    def _complain(self, error: UnreadableFrame | OversizedFrame) -> None:
        self._door.metrics.bad_frames.inc()
        self._wire.write_text(frames.error_frame(error))
        self._bad_frames.count()


def check_access(conversation: Conversation, visitor_id: str, customer_id: str | None) -> None:
    """A customer's conversation is theirs on any device, and nobody else's; another belongs to its visitor.

    Raises:
        Forbidden: it is somebody else's, or a customer's own identity is missing.
    """
    if conversation.customer_id is not None:
        if conversation.customer_id != customer_id:
            raise Forbidden("This conversation belongs to a signed-in customer. Please sign in to read it.")
    elif conversation.visitor_id != visitor_id:
        raise Forbidden("This conversation belongs to somebody else.")
