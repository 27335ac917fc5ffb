"""The places of a platform go to people first and to chats second; nobody's trouble takes all."""

from __future__ import annotations

import asyncio

import hypothesis
from hypothesis import strategies as st
from mautrix.types import UserID

from plugin.config.timing import Limits
from plugin.delivery.platform_retry import FairSlots

from ..fakes.fake_platform import FakePlatform
from ..fakes.maubot import Bot
from ..fakes.stories import settle_in, settle_in_with_chats
from ..fakes.users import User, heard, replies

PEOPLE = [UserID(f"@{name}:test") for name in ("ann", "ben", "cid")]


async def test_one_person_with_seventy_hanging_chats_leaves_places_for_everybody_else(
    bot: Bot, platform: FakePlatform, alice: User, bob: User
) -> None:
    await settle_in_with_chats(bot, alice, 70)
    await settle_in(bot, bob)
    gate = platform.gate("Hang")
    for chat in alice.chats:
        alice.write(chat, "Hang")
    await bot.push()
    await bot.server.until(lambda: len(platform.asked) >= Limits().conversations // 2)

    question = bob.write(bob.chat, "Hello")
    await bot.push()
    await bot.server.until(lambda: replies(bob.chat, question) == ["Answer to Hello"])

    assert all(heard(chat) == [] for chat in alice.chats)
    gate.set()
    await bot.settled()
    assert all(heard(chat) == ["Answer to Hang"] for chat in alice.chats)


async def test_who_waits_with_fewer_places_comes_first() -> None:
    slots = FairSlots(4)
    ann, ben, cid = PEOPLE
    order: list[UserID] = []
    leave = {person: asyncio.Event() for person in PEOPLE}

    async def visit(person: UserID) -> None:
        async with slots.slot(person):
            order.append(person)
            await leave[person].wait()

    visits = []
    for person in (ann, ann, ann, ben, ben, cid, cid):
        visits.append(asyncio.create_task(visit(person)))
        await asyncio.sleep(0)

    assert order == [ann, ann, ben, cid]
    leave[cid].set()
    await asyncio.sleep(0.01)
    assert order == [ann, ann, ben, cid, cid]
    leave[ben].set()
    leave[ann].set()
    await asyncio.gather(*visits)
    assert sorted(order) == sorted([ann, ann, ann, ben, ben, cid, cid])


@hypothesis.settings(deadline=None)
@hypothesis.given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["come", "leave", "give up"]))),
)
async def test_no_place_is_lost_or_given_twice(
    limit: int, steps: list[tuple[UserID, str]]
) -> None:
    slots = FairSlots(limit)
    inside: dict[UserID, int] = dict.fromkeys(PEOPLE, 0)
    visits: list[Visit] = []

    for person, what in steps:
        theirs = [one for one in visits if one.person == person and not one.task.done()]
        if what == "come":
            visits.append(Visit(person, slots, inside))
        elif theirs and what == "leave":
            theirs[0].leave.set()
        elif theirs:
            theirs[-1].task.cancel()
        if len(steps) % 2:
            await asyncio.sleep(0)
        assert sum(inside.values()) <= limit
    for _ in range(5):
        await asyncio.sleep(0)
    free = limit - sum(inside.values())
    waiting = {one.person for one in visits if not one.task.done() and not one.is_inside}
    assert all(inside[person] >= free for person in waiting)

    for one in visits:
        one.leave.set()
    await asyncio.wait_for(
        asyncio.gather(*(one.task for one in visits), return_exceptions=True), 5
    )
    assert inside == dict.fromkeys(PEOPLE, 0)
    visits = [Visit(person, slots, inside) for person in PEOPLE[:limit]]
    for _ in range(3):
        await asyncio.sleep(0)
    assert visits[0].is_inside
    for one in visits:
        one.task.cancel()


class Visit:
    """Somebody who comes for a place, and stays until they are told to leave."""

    def __init__(self, person: UserID, slots: FairSlots, inside: dict[UserID, int]) -> None:
        self.person = person
        self.leave = asyncio.Event()
        self.is_inside = False
        self.task = asyncio.create_task(self._run(slots, inside))

    async def _run(self, slots: FairSlots, inside: dict[UserID, int]) -> None:
        async with slots.slot(self.person):
            inside[self.person] += 1
            self.is_inside = True
            try:
                await self.leave.wait()
            finally:
                inside[self.person] -= 1
                self.is_inside = False
