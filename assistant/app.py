"""Builds every object once, from settings. Floor: roof; the only file that knows every adapter.

Opening goes in three steps, so that the page is there at once: pages (nothing to import), stores (journal, identities:
sockets open), rooms (knowledge, profiles, turns: answers flow). What is asked before a step is done waits for it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog

from assistant import database
from assistant.channels.inbound import Inbound
from assistant.channels.sockets import Receive, Scope, Send
from assistant.channels.waiting import QueueClock
from assistant.channels.web import WebDoor
from assistant.errors import SettingsError, TellonceError, Unavailable
from assistant.journal.bus import LocalBus
from assistant.journal.events import Event, NewEvent
from assistant.journal.store import SqliteJournal
from assistant.server.hosts import Hosts
from assistant.server.key_place import loader_of
from assistant.server.pages import HOME_PAGE, SHOP_PAGE, Pages
from assistant.server.readiness import Part, Readiness
from assistant.server.secret import check_made_secret
from assistant.server.serving import Endpoint

if TYPE_CHECKING:
    from assistant.desk.agents import Agents
    from assistant.profile.customer import Claims, Customer
    from assistant.profile.store import Profiles
    from assistant.server.api import ApiRooms
    from assistant.server.desk import DeskDoor
    from assistant.server.identity import Tokens
    from assistant.server.limits import Limits
    from assistant.server.metrics import Metrics
    from assistant.server.shop import DemoShop
    from assistant.server.studio import StudioRooms
    from assistant.settings import Settings
    from assistant.studio.indexing import Jobs
    from assistant.turn.answering import Answering
    from assistant.turn.runner import TurnRunner
    from knowledge.documents import Document, Findings
    from knowledge.library import Library

logger = structlog.get_logger(__name__)

SEARCH_THREADS = 2
# Young objects before a collection, and collections before an older generation's. By default (700) two or three fall
# into every turn, .12 ms each; hardly anything of ours is in a cycle.
COLLECTIONS = (20_000, 10, 10)
STUDIO_JOB = (sys.executable, "-m", "assistant.commands.studio_job")

T = TypeVar("T")

STORES, INDEX, MODEL = "stores", "index", "model"


def check_can_run(settings: Settings) -> None:
    """Raises SettingsError for a deployment this version has no adapter for, rather than quietly running another; and
    for a data folder or an identity that cannot be had: whoever reads the server's address takes it to be serving.
    """
    for name, value in (("TELLONCE_DATABASE_URL", settings.database_url), ("TELLONCE_REDIS_URL", settings.redis_url)):
        if value is not None and not value.startswith("sqlite"):
            raise SettingsError(
                f"{name} is set, but this version keeps everything in one process and its data folder: unset it."
            )
    database.make_folder(settings.data_dir)
    check_made_secret(settings)
    if settings.identity_jwks is not None:
        loader_of(settings.identity_jwks)


def open_journal(settings: Settings, bus: LocalBus | None = None) -> SqliteJournal:
    """The journal, its schema up to date; with a bus, every committed event is published there."""
    path = database.database_path(settings)
    database.upgrade(path)

    def publish(events: Sequence[Event]) -> None:
        for event in events:
            bus.publish(event)  # type: ignore[union-attr]

    return SqliteJournal(path, on_committed=publish if bus is not None else None)


def open_engine(settings: Settings) -> Any:
    """One SQLAlchemy engine on the same database, its schema up to date."""
    path = database.database_path(settings)
    database.upgrade(path)
    return database.open_engine(path)


def open_library(settings: Settings, engine: Any = None) -> Library:
    """The knowledge library. Exports the embedding model first if that has not been done on this machine."""
    from knowledge.embedding import default_model_folder, open_embedder
    from knowledge.library import Library

    embedder = open_embedder(settings.embedding_model, default_model_folder(settings.data_dir))
    folder = settings.data_dir / "knowledge"
    return Library(
        engine or open_engine(settings), folder, embedder, chroma_url=settings.chroma_url, kept=settings.releases_kept
    )


def open_profiles(settings: Settings, engine: Any = None) -> Profiles:
    from assistant.profile.store import Profiles

    return Profiles(engine or open_engine(settings))


def open_agents(settings: Settings, engine: Any = None) -> Agents:
    from assistant.desk.agents import Agents

    return Agents(engine or open_engine(settings))


def open_identity(settings: Settings) -> Tokens:
    from assistant.server.identity import open_tokens

    return open_tokens(settings)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which another process of ours reads these very settings."""
    from assistant.settings import PREFIX

    values = {name: getattr(settings, name) for name in ("data_dir", "chroma_url", "embedding_model")}
    own = {PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}
    return {**own, PREFIX + "DATA_DIR": str(settings.data_dir.resolve())}


def build(settings: Settings, *, shop: DemoShop | None = None) -> App:
    """Everything, ready to be started by `server.serving`. `shop`: the demo, which signs visitors in as its customers.

    Raises:
        SettingsError: these settings ask for what this version cannot do.
    """
    check_can_run(settings)
    return App(settings, shop)


class App:
    """The running product. `start` returns at once; `readiness` tells what is open."""

    def __init__(self, settings: Settings, shop: DemoShop | None) -> None:
        self.settings = settings
        self.pages = Pages(home=SHOP_PAGE if shop else HOME_PAGE)
        # The demo signs in whoever asks, so no other site's page may come to ask.
        self.hosts = Hosts(settings.public_hosts, guarded=shop is not None)
        self.bus = LocalBus()
        self.readiness = Readiness((STORES, INDEX, MODEL))
        self.metrics: Metrics
        self.limits: Limits
        self.journal: SqliteJournal
        self.tokens: Tokens
        self.inbound: Inbound
        self.runner: TurnRunner | None = None
        self.on_failure: Callable[[TellonceError | SettingsError], None] | None = None
        self._shop = shop
        self._queue_clock = QueueClock()
        self._search_threads = ThreadPoolExecutor(SEARCH_THREADS, thread_name_prefix="search")
        self._locks: dict[str, threading.Lock] = {}
        self._made: dict[str, Any] = {}
        self._web: WebDoor
        self._desk: DeskDoor | None = None
        self._answering: Answering | None = None
        self._jobs: Jobs | None = None
        self._opened: asyncio.Event
        self._opening: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._api: Endpoint | None = None
        self._sockets: Mapping[str, Endpoint] = {}

    # the life of the server (`server.serving.Rooms`)

    async def start(self) -> None:
        self._opened = asyncio.Event()
        self._opening = asyncio.create_task(self._open(), name="opening")

    async def stop(self) -> None:
        """Ends turns and closes the journal; what was cut short is found there at the next start."""
        for task in (self._opening, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._desk is not None:
            await self._desk.stop()
        if self.runner is not None:
            await self.runner.stop()
        if self._answering is not None:
            await self._answering.close()
        if self._jobs is not None:
            await self._jobs.close()
        self._search_threads.shutdown(wait=False, cancel_futures=True)
        if hasattr(self, "journal"):
            await self.journal.close()

    async def _open(self) -> None:
        try:
            await asyncio.to_thread(self._open_stores)
        except Exception as error:
            self._fail(error)
            return
        self._watching = asyncio.create_task(self._web.watch_erased(), name="erased customers")
        self._opened.set()
        try:
            # Loading the embedding model lets go of the interpreter's lock, so importing the rest costs no time.
            _, answering = await asyncio.gather(
                asyncio.to_thread(self._open_rooms), asyncio.to_thread(self._make_answering)
            )
            await self._start_turns(answering)
            await self.api()
            await (await self._open_desk()).start()
        except Exception as error:
            self._fail(error)
            return
        gc.freeze()  # what is loaded stays: no collection goes through its half a million objects again
        gc.set_threshold(*COLLECTIONS)
        await self._follow_embedding_model()

    async def _follow_embedding_model(self) -> None:
        """Another model than the one that serves: a job embeds anew with it, and the old release answers meanwhile."""
        try:
            studio = await self._open_studio()
            if await asyncio.to_thread(studio.library.is_outdated):
                await studio.jobs.start("reindex", {"only_embed": True}, "tellonce")
        except Exception as error:  # nothing is lost: the next reindex does the same
            logger.warning("start.not_embedded_anew", error=str(error), exc_info=error)

    def _fail(self, error: Exception) -> None:
        """A server without its stores or its turns helps nobody: it says why and ends."""
        self._failure = error
        self._opened.set()
        expected = isinstance(error, (TellonceError, SettingsError))
        logger.error("start.failed", error=str(error), exc_info=None if expected else error)
        if self.on_failure is not None:
            self.on_failure(error if isinstance(error, (TellonceError, SettingsError)) else TellonceError(str(error)))

    async def _until_open(self) -> None:
        if not self._opened.is_set():
            await self._opened.wait()
        if self._failure is not None:
            raise Unavailable

    # step two: stores

    def _open_stores(self) -> None:
        from assistant.server.limits import Limits
        from assistant.server.metrics import Metrics

        self.metrics = Metrics()
        self.limits = Limits(self.settings)
        self.bus.subscribe_all(self.metrics.observe)
        self.bus.subscribe_all(self._queue_clock.observe)
        self.journal = open_journal(self.settings, self.bus)
        self.tokens = open_identity(self.settings)
        self.inbound = Inbound(
            self.journal,
            ces_scale=self.settings.ces_scale,
            estimate_wait=self._queue_clock.estimate_seconds,
            foresee=self._foresee,
        )
        self._web = WebDoor(
            journal=self.journal,
            bus=self.bus,
            inbound=self.inbound,
            tokens=self.tokens,
            recognise=self._recognise,
            limits=self.limits,
            metrics=self.metrics,
            mode=self._mode,
            origins=self.settings.origins,
            send_buffer_bytes=self.settings.send_buffer_bytes,
            standing=lambda conversation: self._desk.standings.of(conversation) if self._desk else None,
            erased=self._erased,
        )
        self._sockets = {"/ws/chat": self._web, "/ws/desk": self._desk_socket}
        self.readiness.ready(STORES, "journal, identities")

    async def _foresee(self, conversation_id: str, coming: Sequence[NewEvent], first: bool) -> None:
        if self.runner is not None:
            await self.runner.foresee(conversation_id, coming, first=first)

    def _mode(self) -> str:
        if self.runner is not None:
            return self.runner.mode
        return "model" if self.settings.uses_model else "embedded"

    async def _recognise(self, claims: Claims) -> Customer:
        return await asyncio.to_thread(lambda: self.profiles.recognise(claims))

    async def _erased(self, customer_ids: Collection[str]) -> frozenset[str]:
        return await asyncio.to_thread(lambda: self.profiles.erased_among(customer_ids))

    # step three: rooms, opened in a thread

    @property
    def engine(self) -> Any:
        return self._once("engine", lambda: open_engine(self.settings))

    @property
    def library(self) -> Library:
        library: Library = self._once("library", lambda: open_library(self.settings, self.engine))
        return library

    @property
    def profiles(self) -> Profiles:
        profiles: Profiles = self._once("profiles", lambda: open_profiles(self.settings, self.engine))
        return profiles

    @property
    def agents(self) -> Agents:
        agents: Agents = self._once("agents", lambda: open_agents(self.settings, self.engine))
        return agents

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """Made by whichever thread needs it first; the others wait for that one."""
        with self._locks.setdefault(name, threading.Lock()):
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def _open_rooms(self) -> None:
        try:
            self.library.warm()
            self.readiness.watch(INDEX, self._look_at_index)
        except Exception as error:
            # People can still be reached, and the assistant says honestly that it finds nothing.
            logger.warning("start.index_unavailable", error=str(error), exc_info=error)
            self.readiness.fail(INDEX, str(error))

    def _look_at_index(self) -> Part:
        try:
            release = self.library.release
        except Exception as error:
            logger.warning("readiness.index_unknown", error=str(error), exc_info=error)
            return Part(False, str(error))
        return Part(True, f"release {release}") if release else Part(True, "nothing indexed yet", empty=True)

    async def _start_turns(self, answering: Answering) -> None:
        from assistant.turn.runner import TurnRunner

        self._answering = answering
        self.runner = TurnRunner(self.journal, self.bus, answering, estimate_wait=self._queue_clock.estimate_seconds)
        await self.runner.start()
        self.readiness.ready(MODEL, self.settings.model_name if self.settings.uses_model else "embedded")

    def _make_answering(self) -> Answering:
        import assistant.turn.runner  # noqa: F401
        from assistant.turn.answering import Answering

        answering = Answering(
            settings=self.settings,
            search=self._search,
            load_customer=self._load_customer,
            encode=lambda texts: self.library.embedder.encode(texts),
            read_document=self._read_document,
            past_conversations=self._past_conversations,
            catalogue=self.library.catalogue,
        )
        answering.warm_up()
        return answering

    async def _search(self, question: str, **narrowing: Any) -> Findings:
        return await self._in_search_thread(lambda: self.library.search(question, **narrowing))

    async def _read_document(self, document_id: str, release: int | None) -> Document | None:
        return await self._in_search_thread(lambda: self.library.document(document_id, release))

    def _in_search_thread(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._search_threads, work)

    async def _load_customer(self, customer_id: str) -> Customer | None:
        return await asyncio.to_thread(lambda: self.profiles.load(customer_id))

    async def _past_conversations(self, customer_id: str, conversation_id: str) -> list[str]:
        from assistant.profile.history import past_touchpoints

        past = await past_touchpoints(self.journal, customer_id, but=conversation_id)
        return [f"{t.at[:10]}, {t.channel}: {t.summary} ({t.outcome})" for t in past]

    # doors

    async def sockets(self) -> Mapping[str, Endpoint]:
        await self._until_open()
        return self._sockets

    async def _desk_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._open_desk())(scope, receive, send)

    async def api(self) -> Endpoint:
        """The HTTP API: imported and built in a thread, when it is first asked for or once all else is open."""
        if self._api is None:
            self._api = cast(Endpoint, await asyncio.to_thread(lambda: self._once("api", self._make_api)))
        return self._api

    def _make_api(self) -> Endpoint:
        from assistant.server.api import make_api
        from assistant.server.sign_in import DESCRIPTION, desk_routes
        from assistant.server.studio import studio_routes
        from assistant.server.studio_care import care_routes

        routes = desk_routes(self._open_desk)
        api = make_api(self._api_rooms, self.readiness, shop=self._shop, more_routes=routes, description=DESCRIPTION)
        api.include_router(studio_routes(self._open_studio))
        api.include_router(care_routes(self._open_studio))
        return api

    async def _open_desk(self) -> DeskDoor:
        await self._until_open()
        return await asyncio.to_thread(lambda: cast("DeskDoor", self._once("desk", self._make_desk)))

    def _make_desk(self) -> DeskDoor:
        from assistant.server.desk import DeskDoor

        self._desk = DeskDoor(
            journal=self.journal,
            bus=self.bus,
            tokens=self.tokens,
            agents=lambda: self.agents,
            profiles=lambda: self.profiles,
            settings=self.settings,
            search=self._search,
            estimate_wait=self._queue_clock.estimate_seconds,
        )
        return self._desk

    async def _api_rooms(self) -> ApiRooms:
        await self._until_open()
        from assistant.server.api import ApiRooms

        return ApiRooms(
            journal=self.journal,
            inbound=self.inbound,
            tokens=self.tokens,
            limits=self.limits,
            metrics=self.metrics,
            read_document=self._read_document,
            is_agent=self._is_agent,
            recognise=self._recognise,
        )

    async def _open_studio(self) -> StudioRooms:
        await self._until_open()
        return await asyncio.to_thread(lambda: cast("StudioRooms", self._once("studio", self._make_studio)))

    def _make_studio(self) -> StudioRooms:
        from assistant.server.studio import StudioRooms
        from assistant.studio.citing import CitationCounts
        from assistant.studio.indexing import Jobs
        from assistant.studio.shelf import Shelf

        folder = (self.settings.data_dir / "knowledge").resolve()
        self._jobs = Jobs(folder / "job.json", STUDIO_JOB, environment_of(self.settings))
        return StudioRooms(
            library=self.library,
            journal=self.journal,
            engine=self.engine,
            agents=self.agents,
            tokens=self.tokens,
            settings=self.settings,
            shelf=Shelf(folder / "uploads", max_file_bytes=self.settings.upload_max_bytes),
            jobs=self._jobs,
            citations=CitationCounts(database.database_path(self.settings)),
        )

    async def _is_agent(self, session: str) -> bool:
        """Whether this account may read customers' conversations; a content account may not. Raises Unauthorized."""
        from assistant.server.sign_in import current_agent

        agent = await current_agent(self.tokens, lambda: self.agents, session)
        return agent.may_enter_desk
