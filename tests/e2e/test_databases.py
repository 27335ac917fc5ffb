"""The plugin's database is locked, full or restarted under it: messages are answered all the
same, nothing is lost, and it goes on by itself when the database is well again."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.postgres import Postgres
from dev.stack import INSTANCE, Stack

from .story import OnboardedUser, onboard, wait_for_log
from .transcript import read_when_complete

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ILL = "The database does not take what is written"
WELL = "The database takes what is written again"


async def write(onboarded: OnboardedUser, words: str) -> None:
    """Write a few messages in the first chat."""
    for number in range(5):
        await onboarded.person.send(onboarded.chats[0], f"{words} {number}")


async def expect_everything_answered(stack: Stack, onboarded: OnboardedUser) -> None:
    """All is answered once, and nothing of it again after a kill."""
    chat = (onboarded.person, onboarded.chats[0])
    (transcript,) = await read_when_complete([chat])
    assert transcript.answered == transcript.asked
    stack.maubot.kill()
    await write(onboarded, "in the dark")
    await stack.maubot.start()
    await read_when_complete([chat])
    await write(onboarded, "afterwards")
    (transcript,) = await read_when_complete([chat])
    assert transcript.answered == transcript.asked


async def test_a_locked_file_is_waited_for(stack: Stack) -> None:
    ned = await onboard(stack, "ned")
    logged = len(stack.maubot.log())
    connection = sqlite3.connect(stack.maubot.database(INSTANCE), isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        await write(ned, "locked")
        await wait_for_log(stack, ILL, logged, 60)
        connection.execute("ROLLBACK")
    finally:
        connection.close()
    await write(ned, "unlocked")
    await wait_for_log(stack, WELL, logged, 60)
    await expect_everything_answered(stack, ned)


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A disk with a MiB of room beside what is there, mounted on `place`; skips where that is
    forbidden."""
    kept = {path.name: path.read_bytes() for path in place.iterdir()}
    size = sum(map(len, kept.values())) + 2**20
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    unmount = ["umount", "--lazy", str(place)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"No small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        for name, content in kept.items():
            (place / name).write_bytes(content)
        yield
    finally:
        # Lazily: whoever still has a file of it open may keep it.
        subprocess.run(unmount, check=True)


def fill(disk: Path) -> Path:
    """Take all the room on a disk that is left; the file that takes it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("unreachable: a disk has an end")


async def test_a_full_disk_is_waited_for(stack: Stack) -> None:
    ora = await onboard(stack, "ora")
    place = stack.maubot.database(INSTANCE).parent
    await stack.maubot.stop()
    try:
        with small_disk(place):
            await stack.maubot.start()
            await write(ora, "roomy")
            await read_when_complete([(ora.person, ora.chats[0])])
            logged = len(stack.maubot.log())
            filler = fill(place)
            for number in range(20):
                await ora.person.send(ora.chats[0], f"full {number} " + "x" * 4000)
            await wait_for_log(stack, ILL, logged, 60)
            filler.unlink()
            await write(ora, "roomy again")
            await wait_for_log(stack, WELL, logged, 60)
            await expect_everything_answered(stack, ora)
            await stack.maubot.stop()
    finally:
        await stack.maubot.start()


async def test_a_server_that_restarts_is_waited_for(
    postgres_server: Postgres, postgres_stack: Stack
) -> None:
    pam = await onboard(postgres_stack, "pam")
    logged = len(postgres_stack.maubot.log())
    await postgres_server.stop()
    await write(pam, "away")
    await wait_for_log(postgres_stack, ILL, logged, 60)
    await postgres_server.start()
    await write(pam, "back")
    await wait_for_log(postgres_stack, WELL, logged, 60)
    await expect_everything_answered(postgres_stack, pam)
