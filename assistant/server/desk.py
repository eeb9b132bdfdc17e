"""The agents' socket, `/ws/desk`: the queue, the conversations being watched, the verbs. Floor: door.

Who may sit here is `sign_in.py`'s; the rules are `desk/conduct.py`'s. Frames leave as on the customers' socket: bus
sinks write straight into the transport, a replay waits for its reader, and a reader that stops is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog

from assistant.channels.fields import OversizedFrame, UnreadableFrame
from assistant.channels.frames import PONG, ack_frame, error_frame
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
from assistant.desk.conduct import Conduct
from assistant.desk.handoff import build_packet, find_open_question
from assistant.desk.people import Agent
from assistant.desk.presence import Presence, Seat
from assistant.desk.queue import Change, Queue
from assistant.desk.standing import EstimateWait, Standings
from assistant.errors import Forbidden, NotFound, StorageUnavailable, TellonceError, Unauthorized
from assistant.journal.bus import Bus, Draft, Item, Standing, Typing, Unsubscribe
from assistant.journal.events import Event
from assistant.journal.port import Appended, Journal, read_whole
from assistant.profile.history import load_customer
from assistant.server import desk_frames as frames
from assistant.server.desk_frames import Act, DeskFrame, Hello, Ping, SetStatus, Watch, Writing, parse_desk_frame
from assistant.server.identity import Tokens
from assistant.server.problems import refuse_handshake
from assistant.server.sign_in import SESSION_SECONDS, current_agent, session_token
from assistant.turn.blocks import parse_blocks

if TYPE_CHECKING:
    from assistant.desk.agents import Agents
    from assistant.profile.store import Profiles
    from assistant.settings import Settings
    from knowledge.documents import Findings

logger = structlog.get_logger(__name__)

WATCHED_AT_ONCE = 20
SEARCH_SECONDS = 5.0  # a packet without passages beats one that keeps an agent waiting
RECHECK_SECONDS = 30.0  # an account that was removed loses its open desks after this long at most

Search = Callable[[str], Awaitable["Findings"]]


class DeskDoor:
    """The ASGI endpoint, and all that its sessions share.

    Args:
        agents, profiles: called when first needed; opening them imports SQLAlchemy.
        search: a question -> what the knowledge holds; None: packets come without passages.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        bus: Bus,
        tokens: Tokens,
        agents: Callable[[], Agents],
        profiles: Callable[[], Profiles],
        settings: Settings,
        search: Search | None = None,
        estimate_wait: EstimateWait = lambda position: None,
    ) -> None:
        self.journal = journal
        self.bus = bus
        self.tokens = tokens
        self.agents = agents
        self.send_buffer_bytes = settings.send_buffer_bytes
        self.presence = Presence()
        self.queue = Queue(journal, bus, self._load_name)
        self.standings = Standings(self.queue, bus, estimate_wait)
        self.conduct = Conduct(journal, parse_blocks=parse_blocks, ces_scale=settings.ces_scale)
        self._profiles = profiles
        self._search = search
        self._sessions: set[DeskSession] = set()
        self._starting = asyncio.Lock()
        self._started = False

    async def start(self) -> None:
        """Reads the queue, once; the first desk that opens does it where nobody did before."""
        async with self._starting:
            if not self._started:
                await self.queue.start()
                self.standings.start()
                self._started = True

    async def stop(self) -> None:
        await self.queue.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One desk, from its handshake to its end."""
        await receive()  # websocket.connect
        try:
            # Sites that embed the widget are no place for a desk: the cookie goes along.
            check_origin(scope, frozenset())
            subprotocol = choose_subprotocol(scope)
            token = session_token(scope["headers"])
            agent = await current_agent(self.tokens, self.agents, token, at_desk=True)
            await self.start()
        except TellonceError as error:
            await refuse_handshake(send, error)
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        structlog.contextvars.bind_contextvars(connection=uuid.uuid4().hex[:12], agent=agent.id)
        wire: Wire = scope["extensions"]["tellonce.wire"]
        session = DeskSession(self, wire, agent, token or "")
        self._sessions.add(session)
        try:
            await session.run(receive)
        except Refused as refused:
            wire.cut_off(refused.code, refused.reason)
        finally:
            self._sessions.discard(session)
            session.close()

    async def sign_out(self, token: str) -> None:
        """Ends this session and closes every desk that was opened with it."""
        with contextlib.suppress(Unauthorized):  # what is forged or expired needs no end, and must not fill the table
            self.tokens.read_agent(token)
            await asyncio.to_thread(lambda: self.agents().end_session(token, SESSION_SECONDS))
        for session in [known for known in self._sessions if known.token == token]:
            session.cut_off("signed_out")

    async def still_here(self, token: str) -> None:
        """Raises Unauthorized once the session has ended or its account is gone."""
        await current_agent(self.tokens, self.agents, token, at_desk=True)

    async def packet(self, conversation_id: str) -> dict[str, Any]:
        """The handoff packet as it stands now."""
        conversation = await self.journal.load_conversation(conversation_id)
        if conversation is None:
            raise NotFound("This conversation could not be found.")
        events = await read_whole(self.journal, conversation_id)
        customer_id = conversation.customer_id
        profiles = await asyncio.to_thread(self._profiles) if customer_id else None
        customer = (
            await load_customer(profiles, self.journal, customer_id, but=conversation_id)
            if profiles and customer_id
            else None
        )
        findings = await self._find(find_open_question(events))
        return build_packet(conversation_id, events, customer=customer, findings=findings)

    async def _find(self, question: str | None) -> Findings | None:
        if question is None or self._search is None:
            return None
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                return await self._search(question)
        except Exception as error:
            logger.warning("desk.search_failed", reason=type(error).__name__)
            return None

    async def _load_name(self, customer_id: str) -> str | None:
        customer = await asyncio.to_thread(lambda: self._profiles().load(customer_id))
        return customer.name if customer else None


class DeskSession:
    """One agent on one socket."""

    def __init__(self, door: DeskDoor, wire: Wire, agent: Agent, token: str) -> None:
        self.token = token
        self._door = door
        self._wire = wire
        self._agent = agent
        self._seat: Seat | None = None
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._unsubscribes: list[Unsubscribe] = []
        self._bad_frames = BadFrames()
        self._checked_at = time.monotonic()
        self._is_cut_off = False
        self._typing: dict[str, float] = {}  # conversation -> when the customer was last told that somebody writes

    async def run(self, receive: Receive) -> None:
        """Serves the desk until the agent leaves. Raises Refused to have it closed."""
        if not await self._await_hello(receive):
            return
        while True:
            try:
                async with asyncio.timeout(RECHECK_SECONDS):
                    raw = await next_frame(receive)
            except TimeoutError:
                await self._recheck()
                continue
            if raw is None:
                return
            if time.monotonic() - self._checked_at > RECHECK_SECONDS:  # a desk that only pings is never idle
                await self._recheck()
            if (frame := self._read(raw)) is not None:
                await self._take(frame)

    def close(self) -> None:
        """Undoes what the session did outside of itself."""
        for unsubscribe in self._unsubscribes:
            unsubscribe()
        for watched in self._watched.values():
            watched.close()
        for conversation_id in list(self._typing):
            self._tell_typing(conversation_id, False)
        if self._seat is not None:
            self._door.presence.leave(self._seat)

    def cut_off(self, reason: str) -> None:
        self._wire.cut_off(POLICY, reason)

    def write(self, frame: bytes) -> None:
        """Hands a frame to the transport; a reader who has fallen too far behind is cut off and comes back."""
        if self._is_cut_off:
            return
        self._wire.write_text(frame)
        if self._wire.buffered_bytes > self._door.send_buffer_bytes:
            self._is_cut_off = True
            logger.info("desk.slow_reader", buffered_bytes=self._wire.buffered_bytes)
            self._wire.cut_off(TRY_LATER, "slow_reader")

    @property
    def is_behind(self) -> bool:
        """Whether what may be lost should be."""
        return self._wire.buffered_bytes > DRAFT_BUFFER_BYTES

    async def keep_pace(self) -> None:
        """Waits for the reader during a replay. Raises Refused when there is none any more."""
        await keep_pace(self._wire)

    async def _await_hello(self, receive: Receive) -> bool:
        while True:
            if (raw := await first_frame(receive)) is None:
                return False
            frame = self._read(raw)
            if isinstance(frame, Hello):
                self._welcome()
                return True
            if frame is not None:
                self._complain(UnreadableFrame("Say `hello` first.", getattr(frame, "id", None)))

    def _welcome(self) -> None:
        door = self._door
        self._unsubscribes.append(door.queue.listen(self._queue_changed))
        self.write(frames.queue_frame(door.queue.places(), self._agent))
        self._unsubscribes.append(door.presence.listen(self._presence_changed))
        self._seat = door.presence.take(self._agent)  # which tells everybody, this desk included

    def _queue_changed(self, change: Change) -> None:
        self.write(frames.queue_change_frame(change))

    def _presence_changed(self) -> None:
        self.write(frames.presence_frame(self._door.presence.agents()))

    # what the agent sends

    async def _take(self, frame: DeskFrame) -> None:
        try:
            match frame:
                case Ping():
                    self.write(PONG)
                case SetStatus(status):
                    self._door.presence.update(self._taken_seat, status=status)
                case Writing(conversation_id, on):
                    self._write_typing(conversation_id, on)
                case Watch():
                    await self._watch(frame)
                case Hello():
                    self._complain(UnreadableFrame("`hello` was already said on this connection."))
                case Act():
                    await self._act(frame)
        except (Refused, asyncio.CancelledError):
            raise
        except TellonceError as error:
            self.write(error_frame(error, getattr(frame, "id", None)))
        except Exception:
            logger.exception("desk.frame_failed")
            self.write(error_frame(TellonceError(), getattr(frame, "id", None)))

    async def _act(self, act: Act) -> None:
        appended = await self._commit(act)
        self.write(ack_frame(act.id, appended.events[0].seq))
        if act.verb == "accept":
            self.write(frames.packet_frame(await self._door.packet(act.conversation_id)))

    async def _commit(self, act: Act) -> Appended:
        conduct, agent, where = self._door.conduct, self._agent, act.conversation_id
        match act.verb:
            case "accept":
                return await conduct.accept(agent, where, act.id)
            case "say":
                self._write_typing(where, False)
                return await conduct.say(agent, where, act.text, act.id)
            case "note":
                return await conduct.note(agent, where, act.text, act.id)
            case "return":
                return await conduct.give_back(agent, where, act.id)
            case "transfer":
                to = await self._receiver(act.to) if act.to else None
                return await conduct.transfer(agent, where, act.id, to=to, reason=act.reason)
            case "close":
                return await conduct.close(agent, where, act.id, act.reason)

    async def _receiver(self, agent_id: str) -> Agent:
        agent = await asyncio.to_thread(lambda: self._door.agents().load(agent_id))
        if agent is None or not agent.may_enter_desk:
            raise NotFound("There is no such agent at this desk.")
        return agent

    async def _watch(self, watch: Watch) -> None:
        if known := self._watched.pop(watch.conversation_id, None):
            known.close()
        if not watch.on:
            return
        if await self._door.journal.load_conversation(watch.conversation_id) is None:
            raise NotFound("This conversation could not be found.")
        while len(self._watched) >= WATCHED_AT_ONCE:
            _, oldest = self._watched.popitem(last=False)
            oldest.close()
        watched = Watched(self, self._door, watch.conversation_id, self._agent)
        self._watched[watch.conversation_id] = watched
        self._door.presence.update(self._taken_seat, viewing=watch.conversation_id)
        await watched.replay(watch.after)

    def _write_typing(self, conversation_id: str, on: bool) -> None:
        """Tells the customer that somebody writes; only who has the conversation may."""
        if on and not self._door.queue.has(conversation_id, self._agent.id):
            return
        last = self._typing.get(conversation_id)
        if (on and last is not None and time.monotonic() - last < TYPING_INTERVAL_SECONDS) or (not on and last is None):
            return
        self._tell_typing(conversation_id, on)

    def _tell_typing(self, conversation_id: str, on: bool) -> None:
        if on:
            self._typing[conversation_id] = time.monotonic()
        else:
            self._typing.pop(conversation_id, None)
        self._door.bus.publish(Typing(conversation_id, self._agent.author, on))

    @property
    def _taken_seat(self) -> Seat:
        assert self._seat is not None, "no frame but hello is taken before the seat is"
        return self._seat

    async def _recheck(self) -> None:
        try:
            await self._door.still_here(self.token)
        except (Unauthorized, Forbidden) as error:
            raise Refused(POLICY, "signed_out") from error
        except StorageUnavailable:
            return  # the session was good a moment ago; asked again soon
        self._checked_at = time.monotonic()

    # bad frames

    def _read(self, raw: str | bytes) -> DeskFrame | None:
        try:
            return parse_desk_frame(raw)
        except (UnreadableFrame, OversizedFrame) as error:
            self._complain(error)
            return None

    def _complain(self, error: UnreadableFrame | OversizedFrame) -> None:
        self.write(error_frame(error))
        self._bad_frames.count()


class Watched:
    """One conversation in front of an agent: its events from some seq on, in order and once, then live."""

    def __init__(self, session: DeskSession, door: DeskDoor, conversation_id: str, reader: Agent) -> None:
        self._session = session
        self._journal = door.journal
        self._conversation_id = conversation_id
        self._reader = reader
        self._sent_seq = 0
        self._behind_seq = 0  # the newest event that was published during the replay
        self._live = False
        self._unsubscribe = door.bus.subscribe(conversation_id, self._deliver)

    def close(self) -> None:
        self._unsubscribe()

    async def replay(self, after: int) -> None:
        """Every event after `after`, no faster than the reader takes them; then live."""
        self._sent_seq = max(self._sent_seq, after)
        while True:
            page = await self._journal.read(self._conversation_id, after=self._sent_seq, limit=REPLAY_EVENTS)
            for event in page:
                self._session.write(frames.staff_event_frame(event, self._reader))
                self._sent_seq = event.seq
                await self._session.keep_pace()
            if len(page) < REPLAY_EVENTS and self._behind_seq <= self._sent_seq:
                self._live = True
                return

    def _deliver(self, item: Item) -> None:
        """The bus's sink: returns at once, whatever the reader does."""
        if isinstance(item, Event):
            self._deliver_event(item)
        elif isinstance(item, Standing) or not self._live or self._session.is_behind:
            return
        elif isinstance(item, Draft):
            self._session.write(frames.staff_draft_frame(item))
        elif item.author.id != self._reader.id:
            self._session.write(frames.staff_typing_frame(item))

    def _deliver_event(self, event: Event) -> None:
        if not self._live:
            self._behind_seq = max(self._behind_seq, event.seq)
        elif event.seq > self._sent_seq:
            self._session.write(frames.staff_event_frame(event, self._reader))
            self._sent_seq = event.seq
