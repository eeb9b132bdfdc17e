"""What an agent can do in a conversation, and when. Floor: use case over the journal.

The journal decides who has the floor: each verb is one conditional append, so of two agents who accept at once exactly
one does, and a customer who ends is not talked over. A repeated client id brings back what it brought the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assistant.desk.people import Agent
from assistant.effort.surveys import closing_events
from assistant.errors import Conflict, Forbidden, NotFound, Superseded
from assistant.journal.events import Event, Kind, NewEvent
from assistant.journal.port import Appended, Conversation, Journal, Unless, read_whole
from assistant.journal.transcript import AGENT_FLOOR, QUEUE_FLOOR

MOVES = frozenset(
    {
        Kind.HANDOFF_REQUESTED,
        Kind.HANDOFF_ACCEPTED,
        Kind.HANDOFF_TRANSFERRED,
        Kind.HANDOFF_RETURNED,
        Kind.CONVERSATION_ENDED,
    }
)

ParseBlocks = Callable[[str], list[dict[str, Any]]]


class Conduct:
    """The verbs. Each raises NotFound for no such conversation, and Conflict naming who has it or what happened.

    Args:
        parse_blocks: an agent's text as nodes (`turn.blocks.parse_blocks`).
        ces_scale: 5 or 7, of the prompt that closing offers.
    """

    def __init__(self, journal: Journal, *, parse_blocks: ParseBlocks, ces_scale: int) -> None:
        self._journal = journal
        self._parse_blocks = parse_blocks
        self._ces_scale = ces_scale

    async def accept(self, agent: Agent, conversation_id: str, client_id: str) -> Appended:
        """Takes a waiting conversation. Accepting one's own again changes nothing."""
        accepted = NewEvent(Kind.HANDOFF_ACCEPTED, agent.author, {"agent": {"name": agent.name}}, client_id)
        conversation = await self._load(conversation_id)
        if conversation.floor == AGENT_FLOOR and conversation.agent_id == agent.id:
            return Appended((await self._newest(conversation_id, Kind.HANDOFF_ACCEPTED),), repeated=True)
        if conversation.floor != QUEUE_FLOOR:
            raise await self._taken(conversation)
        try:
            return await self._append(conversation, [accepted], agent)
        except Superseded as error:
            raise await self._taken(await self._load(conversation_id)) from error

    async def say(self, agent: Agent, conversation_id: str, text: str, client_id: str) -> Appended:
        """The agent's words to the customer."""
        message = NewEvent(Kind.MESSAGE, agent.author, {"text": text, "blocks": self._parse_blocks(text)}, client_id)
        return await self._with_floor(agent, conversation_id, client_id, [message])

    async def note(self, agent: Agent, conversation_id: str, text: str, client_id: str) -> Appended:
        """Words to colleagues, whoever has the floor; the kind's audience keeps them from every customer's door."""
        conversation = await self._load(conversation_id)
        noted = NewEvent(Kind.NOTE, agent.author, {"text": text}, client_id)
        return self._own(await self._journal.append(conversation.id, [noted]), agent)

    async def give_back(self, agent: Agent, conversation_id: str, client_id: str) -> Appended:
        """The assistant goes on."""
        returned = NewEvent(Kind.HANDOFF_RETURNED, agent.author, {"agent": {"name": agent.name}}, client_id)
        return await self._with_floor(agent, conversation_id, client_id, [returned])

    async def transfer(
        self, agent: Agent, conversation_id: str, client_id: str, *, to: Agent | None = None, reason: str | None = None
    ) -> Appended:
        """Back into the queue, meant for `to` or for whoever is free. The reason becomes a note, not the customer's."""
        receiver = {"id": to.id, "name": to.name} if to else None
        data = {"agent": {"name": to.name if to else None}, "from": {"name": agent.name}}
        transferred = NewEvent(Kind.HANDOFF_TRANSFERRED, agent.author, data, client_id)
        words = {"text": reason or (f"Transferred to {to.name}." if to else "Transferred to the queue.")}
        note = NewEvent(Kind.NOTE, agent.author, words | ({"for": receiver} if receiver else {}))
        return await self._with_floor(agent, conversation_id, client_id, [transferred, note])

    async def close(self, agent: Agent, conversation_id: str, client_id: str, reason: str | None = None) -> Appended:
        """The end, and the effort prompt where one is due, in one commit. The reason becomes a note here too."""
        history = await read_whole(self._journal, conversation_id)
        told = f"{agent.name} closed the conversation."
        closing = closing_events(agent.author, told, self._ces_scale, history, client_id=client_id)
        notes = [NewEvent(Kind.NOTE, agent.author, {"text": f"Closed: {reason}"})] if reason else []
        return await self._with_floor(agent, conversation_id, client_id, [*closing, *notes])

    async def _with_floor(
        self, agent: Agent, conversation_id: str, client_id: str, events: Sequence[NewEvent]
    ) -> Appended:
        conversation = await self._load(conversation_id)
        if conversation.floor != AGENT_FLOOR or conversation.agent_id != agent.id:
            return await self._repeated(agent, conversation, client_id)
        try:
            return await self._append(conversation, events, agent)
        except Superseded as error:
            raise await self._taken(await self._load(conversation_id)) from error

    async def _append(self, conversation: Conversation, events: Sequence[NewEvent], agent: Agent) -> Appended:
        unless = Unless(MOVES, after=conversation.head_seq)
        return self._own(await self._journal.append(conversation.id, events, unless=unless), agent)

    async def _repeated(self, agent: Agent, conversation: Conversation, client_id: str) -> Appended:
        """What the agent did under this id while the floor was theirs; otherwise a refusal that says whose it is."""
        for event in await read_whole(self._journal, conversation.id):
            if event.client_id == client_id and event.author.id == agent.id:
                return Appended((event,), repeated=True)
        raise await self._taken(conversation)

    @staticmethod
    def _own(appended: Appended, agent: Agent) -> Appended:
        if appended.repeated and appended.events[0].author.id != agent.id:
            raise Forbidden("This id has been used by somebody else. Please send it again under a new one.")
        return appended

    async def _taken(self, conversation: Conversation) -> Conflict:
        if conversation.floor == AGENT_FLOOR:
            accepted = await self._newest(conversation.id, Kind.HANDOFF_ACCEPTED)
            return Conflict(f"{accepted.author.name or 'A colleague'} has this conversation.")
        if conversation.floor == QUEUE_FLOOR:
            return Conflict("This conversation waits in the queue: accept it first.")
        if conversation.floor == "ended":
            return Conflict("This conversation has ended.")
        return Conflict("The assistant has this conversation, and the customer has not asked for a person.")

    async def _load(self, conversation_id: str) -> Conversation:
        conversation = await self._journal.load_conversation(conversation_id)
        if conversation is None:
            raise NotFound("This conversation could not be found.")
        return conversation

    async def _newest(self, conversation_id: str, kind: Kind) -> Event:
        events = await read_whole(self._journal, conversation_id)
        return next(event for event in reversed(events) if event.kind is kind)
