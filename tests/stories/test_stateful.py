"""Whatever people do, in whatever order, and whatever happens to the plugin meanwhile: once it
is at rest, its cache and its routes say what Matrix says, and everybody is answered.

A random machine lets two people, their clients and the machine that the plugin runs on do their
worst; fakes/expected_state.py says what must be routed after each step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ..fakes.expected_state import cached, chats_of, is_closed, routed, space_of
from ..fakes.homeserver import Homeserver
from ..fakes.kill_points import Action, Away, Killed, KilledAtStart, Live, When
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Event, Refusal, Room
from ..fakes.stories import add_chat, settle_in
from ..fakes.users import CHILD, User, replies

STEPS = 15
PROPERTIES_PER_MACHINE = 25

NUMBERS = st.integers(0, 15)
FEW = st.integers(0, 6)
WHEN: st.SearchStrategy[When] = st.one_of(
    st.builds(Live),
    st.builds(Live, failing_reads=FEW),
    st.builds(Away, keep_database=st.booleans(), killed=st.booleans(), failing_reads=FEW),
    st.builds(
        Killed,
        number=NUMBERS,
        after=st.booleans(),
        keep_database=st.booleans(),
        at_write=st.booleans(),
    ),
    st.builds(KilledAtStart, number=NUMBERS, after=st.booleans(), keep_database=st.booleans()),
)
WHO = st.sampled_from([0, 1])
WHICH = st.integers(0, 7)


class Lifecycle(RuleBasedStateMachine):
    """Two people, one bot, and whatever may happen to any of them."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.server = self.run(_serve())
        self.world = self.server.world
        (self.folder / "spacekeeper.db").unlink(missing_ok=True)
        # A start that hangs is killed at once; nobody waits for it before that.
        self.bot = Bot(self.server, self.folder, "startup: {wait: 0}")
        self.bot.give_up_soon()
        self.bot.verify_at_once()
        self.people = [User(self.world, "alice"), User(self.world, "bob")]
        self.control: dict[str, Room] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.bot.close())
        self.run(self.server.stop())
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()

    @initialize()
    def alice_settles_in(self) -> None:
        alice = self.people[0]
        (self.control[alice.id],) = self.run(settle_in(self.bot, alice))
        self.run(add_chat(self.bot, alice, self.control[alice.id]))

    @rule(who=WHO, when=WHEN)
    def invite_the_bot(self, who: int, when: When) -> None:
        person = self.people[who]

        def invite() -> None:
            self.control[person.id] = person.invite_bot()

        self.happen(when, invite)

    @rule(who=WHO, when=WHEN)
    def accept_what_is_offered(self, who: int, when: When) -> None:
        self.happen(when, self.people[who].accept_all)

    @rule(who=WHO, which=WHICH, when=WHEN)
    def leave(self, who: int, which: int, when: When) -> None:
        person = self.people[who]
        self.happen_in(person, which, when, person.leave)

    @rule(who=WHO, which=WHICH, when=WHEN)
    def come_back(self, who: int, which: int, when: When) -> None:
        person = self.people[who]
        self.happen_in(person, which, when, person.join)

    @rule(who=WHO, which=WHICH, when=WHEN)
    def take_out_of_the_space(self, who: int, which: int, when: When) -> None:
        person = self.people[who]
        self.happen_in(person, which, when, lambda room: self.link(person, room, {}))

    @rule(who=WHO, which=WHICH, when=WHEN)
    def put_back_into_the_space(self, who: int, which: int, when: When) -> None:
        person, link = self.people[who], {"via": ["test"]}
        self.happen_in(person, which, when, lambda room: self.link(person, room, link))

    @rule(who=WHO, which=WHICH, when=WHEN)
    def put_the_bot_out(self, who: int, which: int, when: When) -> None:
        person = self.people[who]

        def put_out(room: Room) -> None:
            self.world.append(room, person.id, {"membership": "leave"}, ("m.room.member", BOT))

        self.happen_in(person, which, when, put_out)

    @rule(who=WHO, which=WHICH, when=WHEN)
    def upgrade(self, who: int, which: int, when: When) -> None:
        person = self.people[who]

        def replace(room: Room) -> None:
            if room.membership(person.id) == "join":
                self.world.upgrade(BOT, room.room_id)

        self.happen_in(person, which, when, replace)

    @rule(who=WHO, which=WHICH, replaced=st.booleans(), when=WHEN)
    def close(self, who: int, which: int, replaced: bool, when: When) -> None:
        """Close a chat for good, or for one that the bot may not enter."""
        person = self.people[who]

        def end(room: Room) -> None:
            if room.is_space:
                return
            content = {}
            if replaced:
                create = {"predecessor": {"room_id": room.room_id}}
                new = self.world.create(person.id, {"creation_content": create})
                content = {"replacement_room": new.room_id}
            self.world.append(room, person.id, content, ("m.room.tombstone", ""))

        self.happen_in(person, which, when, end)

    @rule(
        who=WHO,
        command=st.sampled_from(["!new", "!archive C", "!restore C"]),
        which=WHICH,
        when=WHEN,
    )
    def command(self, who: int, command: str, which: int, when: When) -> None:
        person = self.people[who]
        text = f"{command}{which + 1}" if command.endswith("C") else command
        if person.id in self.control:
            self.write(person, self.control[person.id], text, when)

    @rule(who=WHO, which=WHICH, when=WHEN)
    def write_in_a_chat(self, who: int, which: int, when: When) -> None:
        person = self.people[who]
        if chats := self.answered(person):
            chat = chats[which % len(chats)]
            message = self.write(person, chat, "How are you?", when)
            assert replies(chat, message) == ["How are you?"]

    @rule()
    def write_in_every_chat(self) -> None:
        for person in self.people:
            for chat in self.answered(person):
                message = self.write(person, chat, "Hello", Live())
                assert replies(chat, message) == ["Hello"]

    @rule(when=WHEN)
    def nobody_does_anything(self, when: When) -> None:
        mark, before = len(self.server.calls), chats_of(self.world)
        self.happen(when, lambda: None)
        assert chats_of(self.world) == before
        assert not [one for one in self.server.changes(mark) if "createRoom" in one]

    @invariant()
    def cache_and_routes_say_what_matrix_says(self) -> None:
        if not self.bot.running:
            return
        expected = chats_of(self.world)
        assert routed(self.bot) == expected
        assert cached(self.bot) == expected
        live = [chat[3] for chat in expected.values() if chat[-1] == "live"]
        assert len(set(live)) == len(live), "two chats go by one platform_chat_id"

    @invariant()
    def each_owner_is_known_by_the_space_that_counts(self) -> None:
        if not self.bot.running:
            return
        spaces = {one.id: space_of(self.world, one.id) for one in self.people}
        expected = {owner: space.room_id for owner, space in spaces.items() if space is not None}
        routes = self.bot.plugin.services.routes
        assert {owner: space.room_id for owner, space in routes.spaces.items()} == expected
        rows = self.bot.query("SELECT matrix_user_id, space_id FROM space")
        assert dict(rows) == expected

    def answered(self, person: User) -> list[Room]:
        """The chats where this person can write and is to be answered."""
        return [
            self.world.rooms[room_id]
            for room_id, (_, owner, *_, status) in chats_of(self.world).items()
            if owner == person.id
            and status == "live"
            and self.world.rooms[room_id].membership(owner) == "join"
        ]

    def write(self, person: User, room: Room, text: str, when: When) -> Event:
        """Write something; whatever happens meanwhile, it gets one reply."""
        messages: list[Event] = []
        self.happen(when, lambda: messages.append(person.write(room, text)))
        (message,) = messages
        assert len(replies(room, message)) == 1
        return message

    def link(self, person: User, room: Room, content: dict[str, Any]) -> None:
        space = space_of(self.world, person.id)
        if space is not None and not room.is_space:
            person.put_state(space, (CHILD, room.room_id), content)

    def happen_in(
        self, person: User, which: int, when: When, action: Callable[[Room], object]
    ) -> None:
        """Let something happen in one of a person's rooms: those in use, which the bot is in."""
        rooms = [
            room
            for room in (*person.spaces, *person.chats)
            if room.membership(BOT) == "join" and not is_closed(room)
        ]
        if rooms:
            self.happen(when, lambda: action(rooms[which % len(rooms)]))

    def happen(self, when: When, action: Action) -> None:
        """Let it happen then; what the homeserver refuses does not happen."""

        def attempt() -> None:
            try:
                action()
            except Refusal:
                return

        self.run(when(self.bot, attempt))


async def _serve() -> Homeserver:
    server = Homeserver()
    await server.start()
    return server


def test_cache_and_routes_say_what_matrix_says_whatever_happens(tmp_path: Path) -> None:
    machine = type("Machine", (Lifecycle,), {"folder": tmp_path})
    profile = settings.default
    assert profile is not None
    chosen = settings(
        profile,
        max_examples=profile.max_examples // PROPERTIES_PER_MACHINE,
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]
