"""maubot ends and starts again, and something was lost meanwhile: Matrix has it all.

Three people with four chats each live through every kind of loss, one after the other, on one
stack: after each, their chats must be the ones from before.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from dev.room_snapshot import CHILD, MARKER, Chat, take_snapshot
from dev.stack import Stack

from .deployment import Deployment
from .story import membership_changes, onboard, state_writes

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What the ids of legacy chats are made from: it must never change.
BACKFILL = uuid.uuid5(uuid.NAMESPACE_URL, "https://spacekeeper.chat/backfill")

CONTRADICTIONS = """
UPDATE chat SET chat_id = 'C9' || substr(chat_id, 2), platform_chat_id = room_id,
    status = 'archived';
UPDATE chat SET matrix_user_id = (SELECT max(matrix_user_id) FROM chat), status = 'live'
    WHERE substr(chat_id, 2) % 2;
UPDATE space SET matrix_user_id = '@nobody' || rowid || ':localhost';
INSERT INTO space SELECT '!elsewhere', min(matrix_user_id), 1, min(verified_at), 0 FROM space;
INSERT INTO chat VALUES ('!nowhere', '!elsewhere', '@nobody:localhost', 'C1', 'echo', 'x', 'live');
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployment() -> AsyncIterator[Deployment]:
    async with Stack.start() as stack:
        names = ("ann", "ben", "cleo")
        users = await asyncio.gather(*(onboard(stack, name, chats=4) for name in names))
        yield Deployment(stack, list(users))


def nothing(deployment: Deployment) -> None:
    """Nothing is lost."""


def half_the_rows(deployment: Deployment) -> None:
    """Every second row is lost, of Spaces and of chats."""
    deployment.damage(
        "DELETE FROM chat WHERE substr(chat_id, 2) % 2; DELETE FROM space WHERE rowid % 2;"
    )


def tables(deployment: Deployment) -> None:
    """The tables themselves are lost."""
    deployment.damage("DROP TABLE chat; DROP TABLE space;")


def rows_contradict(deployment: Deployment) -> None:
    """Every row says something else than Matrix does, and some speak of rooms there are not."""
    deployment.damage(CONTRADICTIONS)


@pytest.mark.parametrize(
    ("lose", "verified"),
    [
        (nothing, False),
        (half_the_rows, False),
        (rows_contradict, False),
        (tables, False),
        (Deployment.delete_database, True),
    ],
)
async def test_a_lost_or_lying_database_changes_nothing(
    deployment: Deployment, lose: Callable[[Deployment], None], verified: bool
) -> None:
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    lose(deployment)
    answers = await deployment.start(verified=verified)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    assert state_writes(deployment.stack.proxy) == []
    assert await take_snapshot(deployment.bot) == before


async def test_a_lost_hint_changes_nothing(deployment: Deployment) -> None:
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    deployment.delete_database()
    await deployment.delete_hint()
    answers = await deployment.start(verified=False)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    assert state_writes(deployment.stack.proxy) == []
    assert await take_snapshot(deployment.bot) == before


async def test_a_binding_lost_in_the_room_is_restored_from_the_space(
    deployment: Deployment,
) -> None:
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    for onboarded in deployment.users:
        await deployment.unbind(onboarded.chats[1])
    deployment.delete_database()
    answers = await deployment.start(verified=True)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    assert await take_snapshot(deployment.bot) == before
    assert len(state_writes(deployment.stack.proxy)) == len(deployment.users)


async def test_a_mirror_lost_in_the_space_is_restored_from_the_room(
    deployment: Deployment,
) -> None:
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    for onboarded in deployment.users:
        link = {"via": ["localhost"], "suggested": True, "order": "000002"}
        await deployment.bot.set_state(onboarded.space_id, CHILD, link, onboarded.chats[1])
    deployment.delete_database()
    answers = await deployment.start(verified=False)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    assert await take_snapshot(deployment.bot) == before
    assert len(state_writes(deployment.stack.proxy)) == len(deployment.users)


def legacy_chats(before: list[Chat]) -> list[Chat]:
    """What a backfill must make of these chats."""
    legacy = []
    for chat in before:
        made = chat.binding | {"platform_chat_id": str(uuid.uuid5(BACKFILL, chat.room_id))}
        legacy.append(Chat(chat.space_id, chat.space_name, chat.room_id, made, made))
    return legacy


# What the chats of each person's lose, by number; the highest number is the one that comes next.
LOST = (
    *("room_type", "space_id", "platform", "chat_id"),
    *("matrix_user_id", "platform_chat_id", "room_type", "chat_id"),
    *("platform", "platform_chat_id", "space_id", "chat_id"),
)


@pytest.mark.parametrize("database", ["kept", "deleted"])
async def test_bindings_that_lack_parts_are_completed_before_anybody_is_answered(
    deployment: Deployment, database: str
) -> None:
    """Everybody's chats lack each another part, in the room and in its mirror."""
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    for chat, part in zip(before, LOST, strict=True):
        await deployment.lose_part(chat.room_id, part)
    if database == "deleted":
        deployment.delete_database()
    answers = await deployment.start(verified=False)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    sent = [one.path for one in deployment.stack.proxy.requests if one.method == "PUT"]
    first_answer = next(at for at, path in enumerate(sent) if "/send/" in path)
    written = [at for at, path in enumerate(sent) if "/state/" in path]
    # Each in its room and in the mirror.
    assert len(written) == 2 * len(before)
    assert max(written) < first_answer
    computed = legacy_chats(before) if database == "deleted" else before
    assert await take_snapshot(deployment.bot) == [
        made if part == "platform_chat_id" else chat
        for chat, made, part in zip(before, computed, LOST, strict=True)
    ]


async def test_spaces_that_lost_their_markers_are_their_owners_again(
    deployment: Deployment,
) -> None:
    """Marker, hint and database are gone at once: the chats alone say whose each Space is."""
    before = await take_snapshot(deployment.bot)
    markers = [await deployment.marker(one.space_id) for one in deployment.users]
    await deployment.stop()
    for onboarded in deployment.users:
        await deployment.bot.set_state(onboarded.space_id, MARKER, {})
    deployment.delete_database()
    await deployment.delete_hint()
    answers = await deployment.start(verified=False)
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    assert [await deployment.marker(one.space_id) for one in deployment.users] == markers
    assert await take_snapshot(deployment.bot) == before
    assert len(state_writes(deployment.stack.proxy)) == len(deployment.users)


@pytest.mark.parametrize("database", ["kept", "deleted"])
async def test_chats_without_any_binding_get_back_what_was_known_or_the_same_one_every_time(
    deployment: Deployment, database: str
) -> None:
    before = await take_snapshot(deployment.bot)
    await deployment.stop()
    await deployment.make_legacy()
    if database == "deleted":
        deployment.delete_database()
    answers = await deployment.start(verified=database == "deleted")
    assert answers == dict.fromkeys(deployment.chats, "still there?")
    assert membership_changes(deployment.stack.proxy) == []
    # What Matrix lacks is taken from the database; without one it is computed from the rooms.
    expected = before if database == "kept" else legacy_chats(before)
    assert await take_snapshot(deployment.bot) == expected
