"""`./build.sh demo`: the whole job, step by step, on a local Synapse and a local maubot.

A user is onboarded and writes in two chats; then the plugin's database is deleted, and what
stands in Matrix is compared with what stood there before. Ends with 1 and one clear line if
anything is not as it should be; figures are printed and never judged.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

from .maubot import ADMIN
from .processes import run_until_signal
from .room_snapshot import Chat, take_snapshot
from .stack import INSTANCE, Options, Stack
from .user_client import MatrixRefusal, NotSeen, UserClient

# Every client shows Spaces of this version.
ROOM_VERSION = "10"
MESSAGES = 10


class DemoFailure(Exception):
    """Something is not as it should be; the message says what."""


class Progress:
    """Prints what happens, each step with the seconds since the start."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def report(self, line: str) -> None:
        """One thing that happened."""
        print(f"{time.monotonic() - self._begun:6.1f} s  {line}", flush=True)

    def show(self, line: str = "") -> None:
        """One line of what there is to see."""
        print(f"          {line}".rstrip(), flush=True)


class Demo:
    """One run of the demo on a running stack."""

    def __init__(self, stack: Stack, progress: Progress) -> None:
        self.stack = stack
        self.report, self.show = progress.report, progress.show
        self.bot = stack.as_bot()

    async def run(self) -> UserClient:
        """Run every step; give the user's client. Raises DemoFailure, MatrixRefusal, NotSeen."""
        alice = await self.stack.register_user("alice", admin=True)
        control = await self._onboard(alice)
        await self._start_another_chat(alice, control)
        before = await take_snapshot(self.bot)
        if len(before) != 2:
            raise DemoFailure(f"alice should have two chats now; Matrix has {len(before)}.")
        await self._write(alice, before)
        await self._lose_database()
        after = await take_snapshot(self.bot)
        self._compare(before, after)
        await self._write_again(alice, after)
        return alice

    async def _onboard(self, user: UserClient) -> str:
        self.report(f"{user.user_id} invites the bot to a direct chat")
        started_at = time.monotonic()
        control = await user.direct_chat(self.bot.user_id)
        for _ in ("the Space", "the first chat"):
            await accept(user)
        await user.wait_for_message(control, "Welcome")
        seconds = time.monotonic() - started_at
        self.report("she has a private Space, a first chat in it, and a welcome with the links")
        self.show(f"onboarding took {seconds:.2f} s")
        return control

    async def _start_another_chat(self, user: UserClient, control: str) -> None:
        await user.send(control, "!new Holiday plans")
        await accept(user)
        await user.wait_for_message(control, "is ready")
        self.report("she writes `!new Holiday plans` and gets a second chat")

    async def _write(self, user: UserClient, chats: list[Chat]) -> None:
        self.report(f"she writes {MESSAGES} messages in each chat; the platform is an echo")
        latencies = [
            await self._ask(user, chat, f"message {number} in {chat.chat_id}")
            for number in range(1, MESSAGES + 1)
            for chat in chats
        ]
        self.report(f"each of the {len(latencies)} was answered in its own chat")
        median = statistics.median(latencies)
        self.show(
            f"from sending to seeing the echo: median {median * 1000:.0f} ms, "
            f"longest {max(latencies) * 1000:.0f} ms"
        )

    async def _ask(self, user: UserClient, chat: Chat, text: str) -> float:
        started_at = time.monotonic()
        question = await user.send(chat.room_id, text)
        answer = await user.wait_for_message(chat.room_id)
        answered = answer["content"].get("chat.spacekeeper.answers")
        if answer["content"]["body"] != text or answered != question:
            raise DemoFailure(f"{text!r} was answered by {answer['content']['body']!r}.")
        return time.monotonic() - started_at

    async def _lose_database(self) -> None:
        maubot = self.stack.maubot
        await maubot.stop()
        self.report("maubot is stopped")
        if not maubot.database(INSTANCE).exists():
            raise DemoFailure(f"there is no {maubot.database(INSTANCE)} to delete.")
        maubot.delete_database(INSTANCE)
        self.report("the plugin's database is deleted: all that is left of it stands in Matrix")
        self.stack.proxy.clear()
        await maubot.start()
        if not (await maubot.instance(INSTANCE))["started"]:
            raise DemoFailure(f"the instance did not start again; see {maubot.log_file}.")
        self.report("maubot is started again")

    def _compare(self, before: list[Chat], after: list[Chat]) -> None:
        created = self.stack.proxy.count("POST", "/createRoom$")
        self.show()
        for line in table({"before": before, "after": after}):
            self.show(line)
        self.show()
        self.show(f"ids equal: {'yes' if before == after else 'NO'} (compared in full)")
        self.show(f"rooms created: {created}")
        if before != after:
            raise DemoFailure("the Spaces and chats are not the ones from before.")
        if created:
            raise DemoFailure(f"{created} rooms were created where none was missing.")

    async def _write_again(self, user: UserClient, chats: list[Chat]) -> None:
        for chat in chats:
            await self._ask(user, chat, f"are you still there, {chat.chat_id}?")
            self.report(f"{chat.chat_id}, an old chat, answers")


async def accept(user: UserClient) -> None:
    """Wait for the next invitation and accept it."""
    invitation = await user.wait_for_invitation()
    await user.join(invitation["room_id"])


def table(snapshots: dict[str, list[Chat]]) -> list[str]:
    """The chats of each snapshot as lines of at most 88 columns; room ids are shortened."""
    rows = [("", "owner", "Space", "chat", "room", "platform_chat_id")]
    for when, chats in snapshots.items():
        for chat in chats:
            space, room = shorten(chat.space_id), shorten(chat.room_id)
            rows.append((when, chat.owner, space, chat.chat_id, room, chat.platform_chat_id))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def shorten(room_id: str) -> str:
    """Enough of a room's id to tell it from others."""
    return f"{room_id[:8]}…"


async def stay_up(stack: Stack, alice: UserClient) -> None:
    """Print the stack's addresses, and wait for Ctrl-C."""
    print(
        f"\nAll of it is still up, until Ctrl-C.\n"
        f"  homeserver  {stack.synapse.url}  (for any Matrix client on this machine)\n"
        f"    log in    {alice.user_id}  password {alice.login.password}\n"
        f"    the bot   {stack.bot.user_id}\n"
        f"  maubot      {stack.maubot.url}/_matrix/maubot/\n"
        f"    log in    {ADMIN}  password {stack.maubot.password}\n"
        f"    log       {stack.maubot.log_file}",
        flush=True,
    )
    await asyncio.Event().wait()


async def main(arguments: list[str]) -> int:
    """Run the demo; 0 if all of it was as it should be."""
    if arguments not in ([], ["--once"]):
        print("usage: ./build.sh demo [--once]", file=sys.stderr)
        return 2
    progress = Progress()
    progress.report("starting Synapse and maubot on 127.0.0.1 ...")
    try:
        options = Options(report=progress.report, room_version=ROOM_VERSION)
        async with Stack.start(options) as stack:
            alice = await Demo(stack, progress).run()
            progress.report("all is as it should be")
            if not arguments:
                await stay_up(stack, alice)
    except (DemoFailure, MatrixRefusal, NotSeen) as failure:
        # The first line alone: what came instead of what was waited for is for tests.
        reason = str(failure).splitlines()[0]
        print(f"demo: {reason} The logs are in {stack.directory}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_until_signal(main(sys.argv[1:])))
