"""Something fails for good, and meanwhile, everybody else? They are answered within two seconds.

A random machine lets one thing after the other fail: a room, a person, a platform, the database;
at a start and while the plugin runs. The clock is virtual and the waits are those of real life, so
what is measured is how long people wait for something, on any machine alike.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from plugin.config.timing import Timing
from plugin.delivery.sentences import BROKEN, HOMESERVER_REFUSED, HOMESERVER_SILENT
from plugin.platforms import registry

from ..fakes.lasting_troubles import TROUBLES, Town, Trouble
from ..fakes.maubot import Bot
from ..fakes.moody_platform import MoodyPlatform, MoodySettings
from ..fakes.rooms import Event, Room
from ..fakes.users import User, heard, replies
from ..fakes.virtual_time import NearHomeserver, VirtualLoop, sqlite_in_the_loop

STEPS = 15
PROPERTIES_PER_MACHINE = 10
# Seconds: how soon people are answered, how soon a start serves them, how long a room may be
# waited for that may be a newcomer's own, and the longest wait before something is tried again.
SOON, STARTED, ROOM_WAIT, LONGEST = 2.0, 10.0, 5.0, 400.0
# Of a reply, such a beginning is no answer.
NO_USE = (HOMESERVER_SILENT, BROKEN[:10], HOMESERVER_REFUSED[:20])
AT_ONCE = ("!help", "!chats", "!status")
CONFIG = """
default_platform: {}
platforms:
    one:
        type: moody
        name: one
    two:
        type: moody
        name: two
"""


class LastingTrouble(RuleBasedStateMachine):
    """Three people on two platforms, newcomers, and one trouble at a time."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(sqlite_in_the_loop())
        self.loop = VirtualLoop()
        self.server = self.run(_serve())
        (self.folder / "spacekeeper.db").unlink(missing_ok=True)
        platforms = {name: MoodyPlatform() for name in ("one", "two")}
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        kind = type("Settings", (MoodySettings,), {"platforms": platforms})
        patch.setattr(registry, "TYPES", {**registry.TYPES, "moody": kind})
        self.bot = Bot(self.server, self.folder, CONFIG.format("one"))
        self.bot.timing = Timing()
        self.town = Town(self.bot, platforms)
        self.trouble: Trouble | None = None
        self.owed: dict[str, list[Event]] = defaultdict(list)
        self.number = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            if self.trouble is not None:
                self.heal()
        finally:
            self.town.heal()
            self.run(self.bot.close())
            self.run(self.server.stop())
            self.run(self.loop.shutdown_asyncgens())
            self.loop.close()
            self.stack.close()

    @initialize()
    def people_settle_in(self) -> None:
        self.run(self.bot.start())
        for name, platform in (("alice", "one"), ("bob", "two"), ("carol", "one")):
            self.run(self.bot.configure(CONFIG.format(platform)))
            person = self.move_in(name, SOON)
            self.town.residents.append(person)
            self.command(person, self.town.control[person.id], "!new Second")
            person.accept_all()
        self.run(self.bot.configure(CONFIG.format("two")))

    @precondition(lambda self: self.trouble is None)
    @rule(trouble=st.sampled_from(TROUBLES))
    def something_fails_for_good(self, trouble: Trouble) -> None:
        self.trouble = trouble
        trouble.strike(self.town)
        for room in self.town.chats:
            if self.is_hit(room):
                self.write(room)

    @precondition(lambda self: self.trouble is not None)
    @rule()
    def heal(self) -> None:
        """What was asked meanwhile is answered, in order, once."""
        assert self.trouble is not None
        self.trouble.heal(self.town)
        self.trouble, self.town.is_cold = None, False
        self.run(self.push())
        self.pass_time(LONGEST)
        for room_id, events in list(self.owed.items()):
            room = self.server.world.rooms[room_id]
            aside = [event for event in events if not self.answers(room, event)]
            if aside:
                # What a platform had no answer to waits for a word.
                self.command(self.town.owner_of(room), room, "!retry")
                self.pass_time(LONGEST)
            for event in events:
                assert self.answers(room, event) == [f"Answer to {event['content']['body']}"]
            at_once = [event for event in events if event not in aside]
            assert self.answered(room, events) == [*at_once, *aside]
        self.owed.clear()

    @rule(seconds=st.sampled_from([1.0, 30.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule(keep_database=st.booleans(), killed=st.booleans())
    def restart(self, keep_database: bool, killed: bool) -> None:
        """Whoever wrote meanwhile is answered as soon as the plugin serves anybody."""
        self.run(self.bot.kill() if killed else self.bot.stop())
        if not keep_database and self.town.patch is None:
            # maubot itself cannot make a database that takes no writes.
            self.bot.database.unlink()
            self.town.is_cold = True
        written = [(room, self.write_in(room)) for room in self.town.chats]
        self.town.before_start()
        began = self.loop.time()
        self.run(self.bot.start())
        self.run(self.until(lambda: self.bot.is_serving, began + STARTED))
        self.run(self.push())
        for room, event in written:
            if not self.is_hit(room):
                self.expect_answer(room, event)

    @rule(which=st.integers(0, 5))
    def ask(self, which: int) -> None:
        room = self.town.chats[which]
        event = self.write(room)
        if not self.is_hit(room):
            self.expect_answer(room, event)

    @rule(which=st.integers(0, 8), command=st.sampled_from(AT_ONCE))
    def give_a_command_that_needs_no_turn(self, which: int, command: str) -> None:
        room = self.town.rooms[which]
        if self.trouble is None or not self.trouble.hits_room(self.town, room):
            self.command(self.town.owner_of(room), room, command)

    @rule(which=st.integers(0, 5), command=st.sampled_from(["!rename Other", "!archive"]))
    def give_a_command_in_its_turn(self, which: int, command: str) -> None:
        room = self.town.chats[which]
        if not (self.is_hit(room) or self.hits_person(self.town.owner_of(room))):
            self.command(self.town.owner_of(room), room, command)
            if command == "!archive":
                handle = self.town.handle_of(room)
                self.command(self.town.owner_of(room), room, f"!restore {handle}")

    @rule(which=st.integers(0, 2))
    def start_a_chat(self, which: int) -> None:
        person = self.town.residents[which]
        control = self.town.control[person.id]
        if not self.hits_person(person):
            before = len(person.chats)
            self.command(person, control, "!new", self.soon_for_rooms())
            assert len(person.chats) == before + 1
            person.accept_all()

    @rule()
    def somebody_new_comes(self) -> None:
        self.number += 1
        person = self.move_in(f"new{self.number}", self.soon_for_rooms())
        chat = person.chat
        if self.trouble is None or not self.trouble.hits_platform("two"):
            event = self.write_in(chat)
            self.run(self.push())
            self.expect_answer(chat, event)

    def is_hit(self, room: Room) -> bool:
        return self.trouble is not None and self.trouble.hits(self.town, room)

    def hits_person(self, person: User) -> bool:
        return self.trouble is not None and self.trouble.hits_person(self.town, person)

    def move_in(self, name: str, within: float) -> User:
        """Somebody invites the bot, is welcomed, and accepts what it offers."""
        person = User(self.server.world, name)
        control = person.invite_bot()
        began = self.loop.time()
        self.run(self.push())
        self.run(self.until(lambda: heard(control) != [], began + within))
        person.accept_all()
        self.town.control[person.id] = control
        return person

    def write_in(self, room: Room) -> Event:
        self.number += 1
        event = self.town.owner_of(room).write(room, f"Question {self.number}")
        self.owed[room.room_id].append(event)
        return event

    def write(self, room: Room) -> Event:
        event = self.write_in(room)
        self.run(self.push())
        return event

    def soon_for_rooms(self) -> float:
        """How long somebody may wait for a room of theirs."""
        unsure = self.trouble is not None and self.trouble.leaves_unsure(self.town)
        return SOON + ROOM_WAIT * unsure

    def command(self, person: User, room: Room, text: str, within: float = SOON) -> None:
        event = person.write(room, text)
        began = self.loop.time()
        self.run(self.push())
        self.run(self.until(lambda: replies(room, event) != [], began + within))
        assert not any(text.startswith(NO_USE) for text in replies(room, event))

    def expect_answer(self, room: Room, event: Event) -> None:
        deadline = self.loop.time() + SOON
        self.run(self.until(lambda: self.answers(room, event) != [], deadline))

    def answers(self, room: Room, event: Event) -> list[str]:
        """What a platform answered; notices of the bot's own are none."""
        texts = [text.strip() for text in replies(room, event)]
        return [text for text in texts if text.startswith("Answer to ")]

    def answered(self, room: Room, events: list[Event]) -> list[Event]:
        """These messages in the order in which a platform's answers to them stand in the room."""
        by_text = {f"Answer to {event['content']['body']}": event for event in events}
        return [by_text[text.strip()] for text in heard(room) if text.strip() in by_text]

    async def push(self) -> None:
        """Hand over what happened; that alone keeps nobody waiting."""
        began = self.loop.time()
        await self.bot.push()
        assert self.loop.time() - began <= SOON, "the sync is held up"

    async def until(self, true: Callable[[], bool], deadline: float) -> None:
        while not true():
            last = [str(call) for call in self.server.calls[-4:]]
            assert self.loop.time() < deadline, f"not in time; the last calls: {last}"
            await asyncio.sleep(0.05)

    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))


async def _serve() -> NearHomeserver:
    server = NearHomeserver()
    await server.start()
    return server


@pytest.mark.parametrize("when", ["while running", "at a start", "at a start, database gone"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_everybody_else_is_answered_soon(tmp_path: Path, trouble: Trouble, when: str) -> None:
    town = type("Machine", (LastingTrouble,), {"folder": tmp_path})()
    try:
        town.people_settle_in()
        town.something_fails_for_good(trouble)
        if when != "while running":
            town.restart(keep_database="gone" not in when, killed=False)
        for _ in range(1 + (when == "while running")):
            for which in range(9):
                town.give_a_command_that_needs_no_turn(which, AT_ONCE[which % 3])
            for which in range(6):
                town.ask(which)
                town.give_a_command_in_its_turn(which, ("!rename Other", "!archive")[which % 2])
            town.somebody_new_comes()
            for which in range(3):
                town.start_a_chat(which)
            town.time_passes(700.0)
        town.heal()
        for which in range(6):
            town.ask(which)
    finally:
        town.teardown()


def test_whatever_fails_for_good_everybody_else_is_answered_soon(tmp_path: Path) -> None:
    machine = type("Machine", (LastingTrouble,), {"folder": tmp_path})
    profile = settings.default
    assert profile is not None
    chosen = settings(
        profile,
        max_examples=profile.max_examples // PROPERTIES_PER_MACHINE,
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]
