"""Takes in what maubot does not deliver: what happened while nobody was there.

maubot throws its first sync away, and that one answers only when something happens. So what came
since the last token is read here, before the live messages; each message is taken in once,
whichever way it comes first, and none that was answered is answered again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import attr
from maubot.handlers import event
from mautrix.client import InternalEventType
from mautrix.errors import MatrixRequestError
from mautrix.types import EventID, RoomID, SyncToken

from ..cache.inbox import Kept, State
from ..letter import Letter
from ..matrix.backlog import Backlog, read_backlog
from ..matrix.changes import invitations_in, rooms_in, scope_of
from ..matrix.history import Timeline
from ..matrix.sender import pieces_of
from ..reconciliation import Reconciliation, until_known
from .invitations import Invitations
from .messages import Messages

# More pieces than any answer has.
ENOUGH = 1_000_000


class CatchUp:
    """Hands older messages and invitations to those who handle the live ones."""

    def __init__(
        self,
        messages: Messages,
        invitations: Invitations,
        reconciliation: Reconciliation,
        timeline: Timeline,
        max_age: Callable[[], float],
    ) -> None:
        """
        Args:
            messages: takes messages in.
            invitations: answers invitations.
            reconciliation: told where the topology changed.
            timeline: reads what a sync left out.
            max_age: hours after which a message is not answered unasked.
        """
        self.messages = messages
        self.intake = messages.intake
        self.invitations = invitations
        self.reconciliation = reconciliation
        self.reader = reconciliation.reader
        self.timeline = timeline
        self.max_age = max_age
        self.log = reconciliation.log
        self._token = SyncToken("")
        self._readings: set[asyncio.Task[None]] = set()

    async def resume(self, kept: Iterable[Kept], sync: dict[str, Any], since: SyncToken) -> None:
        """Take up what an earlier life left, and what was written since it ended.

        Args:
            kept: what the inbox holds.
            sync: what happened since the earlier life's last token, if there was one.
            since: that token.

        Raises:
            NoAnswer: the homeserver did not answer; nothing was taken up.
        """
        backlog = Backlog([], frozenset())
        if since:
            backlog = await read_backlog(sync, since, self.timeline, self.log)
        kept = await self._as_left(kept, backlog)
        known = {one.letter.event_id for one in kept}
        fresh = self._wanted(backlog)
        cases = [*kept, *(Kept(one, State.WAITING) for one in fresh if one.event_id not in known)]
        count = await self._answers(cases)
        open_cases = []
        for one in cases:
            sent = count[one.letter.event_id]
            # Only an answer that is kept can be gone on with where it was cut off.
            if sent >= (len(pieces_of(one.answer)) if one.answer is not None else 1):
                await self.intake.inbox.remove(one.letter.event_id)
            else:
                open_cases.append(attr.evolve(one, sent=sent))
        await self._take_up(open_cases, {one.event_id for one in fresh} - known)

    def start_at(self, token: SyncToken) -> None:
        """Say up to which token everything was seen before the handlers were registered."""
        self._token = token

    async def close_gap(self, token: SyncToken) -> None:
        """Take in what happened between a token and the registration of the handlers."""
        await self._catch_up_from(token)

    @event.on(InternalEventType.SYNC_SUCCESSFUL)
    async def follow(self, happened: dict[str, Any]) -> None:
        """Read again what maubot is about to throw away or got in part only: the first sync, and
        timelines that were too long for one."""
        sync = happened["data"]
        before, self._token = self._token, SyncToken(sync.get("next_batch") or self._token)
        which = sync.get("net.maunium.mautrix", {})
        limited = any(_is_limited(room) for _, room in rooms_in(sync, "join"))
        # The very first sync of an account tells of old messages, not of new ones.
        if not which.get("is_initial") and (which.get("is_first") or limited):
            await self._catch_up_from(before)

    async def close(self) -> None:
        """End whatever is being read."""
        for reading in list(self._readings):
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    async def _catch_up_from(self, token: SyncToken) -> None:
        # The messages that are delivered meanwhile come after those that are read here.
        self.intake.hold()
        reading = asyncio.create_task(self._read_until_known(token))
        self._readings.add(reading)
        reading.add_done_callback(self._readings.discard)
        await asyncio.wait({reading})

    async def _read_until_known(self, token: SyncToken) -> None:
        letters: list[Letter] = []
        try:
            letters = await until_known(partial(self._read_from, token), self.log)
        except MatrixRequestError as error:
            self.log.warning("What was written meanwhile could not be read: %s", error)
        self.intake.release([one for one in letters if one.replaces is None])
        for letter in letters:
            if letter.replaces is not None:
                self.intake.edit(letter)

    async def _read_from(self, token: SyncToken) -> list[Letter]:
        """Read on from a token, and see to everything but the messages that want an answer."""
        bot = self.reader.identity.bot
        sync = await self.reader.since(token)
        backlog = await read_backlog(sync, token, self.timeline, self.log)
        if scope := scope_of(sync, self.reconciliation.slot.current, bot):
            self.reconciliation.mark(scope)
        for invitation in invitations_in(sync, bot):
            self.invitations.answer(invitation)
        wanted = [one for one in backlog.letters if self.messages.wants_answer(one)]
        return [one for one in wanted if one.event_id not in backlog.withdrawn]

    async def _as_left(self, kept: Iterable[Kept], backlog: Backlog) -> list[Kept]:
        """What the inbox holds, as its writers left it while nobody was there."""
        standing = {one.letter.event_id: one for one in kept}
        for edit in backlog.letters:
            one = standing.get(edit.replaces) if edit.replaces else None
            if one is not None and one.answer is None:
                standing[one.letter.event_id] = attr.evolve(one, letter=one.letter.edited(edit))
        for event_id in standing.keys() & backlog.withdrawn:
            del standing[event_id]
            await self.intake.inbox.remove(event_id)
        return list(standing.values())

    def _wanted(self, backlog: Backlog) -> list[Letter]:
        """The messages that want an answer, each as its last edit left it."""
        wanted = {
            one.event_id: one
            for one in backlog.letters
            if one.replaces is None and self.messages.wants_answer(one)
        }
        for edit in backlog.letters:
            original = wanted.get(edit.replaces) if edit.replaces else None
            if original is not None:
                wanted[original.event_id] = original.edited(edit)
        return [one for one in wanted.values() if one.event_id not in backlog.withdrawn]

    async def _answers(self, cases: Iterable[Kept]) -> Counter[EventID]:
        rooms: dict[RoomID, set[EventID]] = defaultdict(set)
        for one in cases:
            rooms[one.letter.room_id].add(one.letter.event_id)
        count: Counter[EventID] = Counter()
        for room_id, questions in rooms.items():
            try:
                count += await self.timeline.answers(room_id, questions)
            except MatrixRequestError as error:
                # Nothing can be said there any more, so nothing is to be answered.
                self.log.warning("Messages in %s are left: %s", room_id, error)
                count.update(dict.fromkeys(questions, ENOUGH))
        return count

    async def _take_up(self, cases: list[Kept], fresh: set[Any]) -> None:
        oldest = (time.time() - self.max_age() * 3600) * 1000
        late: dict[RoomID, list[Letter]] = defaultdict(list)
        for one in cases:
            letter = one.letter
            if letter.event_id not in fresh:
                self.intake.resume(one)
            elif letter.sent_at >= oldest:
                self.messages.put(letter)
            else:
                late[letter.room_id].append(letter)
        for room_id, letters in late.items():
            await self.intake.set_aside(letters)
            self.intake.tell_late(room_id, len(letters))


def _is_limited(room: dict[str, Any]) -> bool:
    timeline = room.get("timeline")
    return isinstance(timeline, dict) and bool(timeline.get("limited"))
