"""Whatever an owner does to questions and answers, and wherever the plugin is killed meanwhile:
in the end each question has one answer, or was done with, and nothing looks unfinished.

A random machine asks, edits, stops, asks again, cancels, retries and takes back, lets the
assistant speak, fall silent and fail, and kills the plugin, with its database kept and deleted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from plugin.platforms import registry
from plugin.platforms.protocol import PlatformError

from ..fakes.fake_platform import FAKE_PLATFORM, FakePlatform, FakePlatformSettings
from ..fakes.homeserver import Homeserver
from ..fakes.kill_points import rest
from ..fakes.maubot import Bot
from ..fakes.rooms import Event, Room
from ..fakes.stories import settle_in
from ..fakes.streams import is_live, lift_limit
from ..fakes.users import User, heard, said

STEPS = 12
PROPERTIES_PER_MACHINE = 10
SIGN = "\N{OCTAGONAL SIGN}"
ANSWERS = "chat.spacekeeper.answers"
WHICH = st.integers(0, 3)


class Talker(FakePlatform):
    """Says a few words of whatever it is asked, and the rest when it is told to.

    Attributes:
        silent: what it is asked from now on is not ended until `finish`.
        fails: so many of them break off after the first words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.silent = False
        self.fails = 0
        self.go_on = asyncio.Event()

    def finish(self) -> None:
        """Let everything that was begun be ended."""
        self.silent = False
        self.go_on.set()
        self.go_on = asyncio.Event()

    async def send(self, message: Any) -> Any:
        """Yields an answer in two pieces."""
        self.asked.append((message.platform_chat_id, message.text))
        self.keys.append(message.event_id)
        await message.history(1000)
        yield f"On {message.text} by {message.event_id}: "
        if self.silent:
            # In a task of its own, so that it can be seen that nothing is at work.
            await asyncio.ensure_future(self.go_on.wait())
        if self.fails:
            self.fails -= 1
            raise PlatformError("The fake platform sleeps.", can_retry=False)
        yield "that is all."


class Hand(RuleBasedStateMachine):
    """One person, one chat, and whatever may be done in it."""

    folder: Path
    settings: type[FakePlatformSettings]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.server = self.run(_serve())
        (self.folder / "spacekeeper.db").unlink(missing_ok=True)
        self.bot = Bot(self.server, self.folder, FAKE_PLATFORM)
        self.bot.give_up_soon()
        self.bot.stream_at_once()
        self.platform = Talker()
        self.settings.platform = self.platform
        self.alice = User(self.server.world, "alice")
        self.questions: list[Event] = []
        # What was cancelled, stopped before it began, set aside or taken back needs no answer.
        self.excused: set[str] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.bot.close())
        self.run(self.server.stop())
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()

    @property
    def chat(self) -> Room:
        return self.alice.chat

    @initialize()
    def alice_settles_in(self) -> None:
        self.run(settle_in(self.bot, self.alice))
        lift_limit(self.bot)

    @rule(silent=st.booleans())
    def ask(self, silent: bool) -> None:
        self.platform.silent = silent
        text = f"question {len(self.questions)}"
        self.questions.append(self.alice.write(self.chat, text))
        self.deliver()

    @rule(which=WHICH)
    def edit(self, which: int) -> None:
        if self.questions:
            question = self.questions[-1 - which % len(self.questions)]
            if question["content"]:
                self.alice.edit(question, f"question {len(self.chat.timeline)}")
                self.deliver()

    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        if self.questions:
            question = self.questions[-1 - which % len(self.questions)]
            self.alice.take_back(question)
            self.excused.add(question["event_id"])
            self.deliver()

    @rule(command=st.sampled_from(["!stop", "!again", "!retry"]))
    def command(self, command: str) -> None:
        self.alice.write(self.chat, command)
        self.deliver()

    @rule()
    def cancel(self) -> None:
        self.excused |= {one["event_id"] for one in self.questions}
        self.alice.write(self.chat, "!cancel")
        self.deliver()

    @rule()
    def react(self) -> None:
        if messages := said(self.chat):
            self.alice.react(messages[-1], SIGN)
            self.deliver()

    @rule()
    def let_it_finish(self) -> None:
        self.platform.finish()
        self.run(self.bot.settled())

    @rule()
    def let_it_fail(self) -> None:
        self.platform.fails = 1
        self.excused |= {one["event_id"] for one in self.questions}
        self.platform.finish()
        self.run(self.bot.settled())
        self.platform.fails = 0

    @rule(keep_database=st.booleans(), stopped=st.booleans(), quiet=st.booleans())
    def start_again(self, keep_database: bool, stopped: bool, quiet: bool) -> None:
        self.run(self.bot.stop() if stopped else self.bot.kill())
        if not keep_database:
            self.bot.database.unlink(missing_ok=True)
        self.platform.silent = quiet
        self.run(self.bot.start())
        self.run(self.bot.settled())
        lift_limit(self.bot)
        self.deliver()

    @invariant()
    def no_question_has_two_answers(self) -> None:
        answers = said(self.chat) if self.alice.chats else []
        of = Counter(
            one["content"].get(ANSWERS) for one in answers if one["content"]["msgtype"] == "m.text"
        )
        assert all(count == 1 for count in of.values()), heard(self.chat)

    @invariant()
    def in_the_end_everything_is_whole(self) -> None:
        if not self.questions or self.platform.silent:
            return
        self.platform.finish()
        self.run(rest(self.bot))
        assert not [one for one in said(self.chat) if is_live(one)], heard(self.chat)
        answered = {one["content"].get(ANSWERS) for one in said(self.chat)}
        settled = {
            event_id
            for one in said(self.chat)
            if isinstance(listed := one["content"].get("chat.spacekeeper.settles"), list)
            for event_id in listed
        }
        due = {one["event_id"] for one in self.questions} - self.excused
        assert due <= answered | settled, heard(self.chat)

    def deliver(self) -> None:
        self.run(self.bot.deliver())


async def _serve() -> Homeserver:
    server = Homeserver()
    await server.start()
    return server


def test_each_question_has_one_answer_whatever_its_owner_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = type("Settings", (FakePlatformSettings,), {})
    monkeypatch.setattr(registry, "TYPES", {**registry.TYPES, "fake": fake})
    machine = type("Machine", (Hand,), {"folder": tmp_path, "settings": fake})
    profile = settings.default
    assert profile is not None
    chosen = settings(
        profile,
        max_examples=profile.max_examples // PROPERTIES_PER_MACHINE,
        stateful_step_count=STEPS,
    )
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]
