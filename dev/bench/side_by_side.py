"""Two bots in one maubot on one Synapse: Spacekeeper, and a bare echo, each with its own chats.

Nothing stands between maubot and Synapse here: a proxy would cost one more than the other. The
owners are the same users, so that their clients' work slows both down alike.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attr

from ..stack import INSTANCE, Stack
from ..user_client import NotSeen, UserClient
from .exchange import Chat, WaitingUser, listening
from .memory import memory_of
from .seeding import OwnerRooms, Seeding

BARE = "bare"
OWNERS = 10
ECHO = Path(__file__).parent / "echo_plugin"
# A start that looks at every chat; messages are answered from then on.
TIMEOUT = 60.0


@attr.frozen
class Bots:
    """The chats of each bot, in an order in which neighbours have different owners.

    Attributes:
        memory: reports what maubot's process holds just now, in bytes.
    """

    bare: tuple[Chat, ...]
    ours: tuple[Chat, ...]
    memory: Callable[[], int]


@asynccontextmanager
async def bring_up(chats: int, report: Callable[[str], None]) -> AsyncIterator[Bots]:
    """Both bots, ready, with so many chats each.

    Args:
        chats: how many; a multiple of the number of owners.
        report: called at each step, with a line of text.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with Stack.start() as stack, aiohttp.ClientSession(connector=connector) as session:
        report("Synapse and maubot are up")
        owned = await _make_rooms(stack, session, chats // OWNERS)
        bare = await _install_bare_echo(stack, session)
        rooms = await asyncio.gather(*(_open_rooms(bare, one) for one in owned))
        report(f"{OWNERS} owners have {chats} chats with each of the two bots")
        owners = [WaitingUser(one.owner) for one in owned]
        ours = _interleave(owners, [one.chats for one in owned])
        async with listening(owners):
            await _until_answered(ours)
            folder = stack.directory / "maubot"
            yield Bots(_interleave(owners, rooms), ours, lambda: memory_of(folder))


async def _make_rooms(
    stack: Stack, session: aiohttp.ClientSession, chats: int
) -> list[OwnerRooms]:
    await stack.maubot.put_client(stack.bot, stack.synapse.url)
    await stack.maubot.change_instance(INSTANCE, started=False)
    seeding = Seeding(session, stack.synapse, stack.bot)
    owned = await seeding.run(OWNERS, chats, lambda _: None)
    await asyncio.gather(*(_join(one) for one in owned))
    await stack.maubot.change_instance(INSTANCE, started=True)
    return owned


async def _join(rooms: OwnerRooms) -> None:
    for room_id in rooms.chats:
        await rooms.owner.join(room_id)


async def _install_bare_echo(stack: Stack, session: aiohttp.ClientSession) -> UserClient:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(ECHO / "maubot.yaml", "maubot.yaml")
        archive.write(ECHO / "__init__.py", "bare_echo/__init__.py")
    login = await stack.synapse.register(BARE)
    await stack.maubot.upload(packed.getvalue())
    await stack.maubot.put_client(login, stack.synapse.url)
    kind = "chat.spacekeeper.bare-echo"
    await stack.maubot.change_instance(BARE, type=kind, primary_user=login.user_id, config="")
    return UserClient(session, stack.synapse.url, login)


async def _open_rooms(bare: UserClient, rooms: OwnerRooms) -> list[str]:
    """As many private rooms with the bare bot as the owner has chats."""
    made = []
    for _ in rooms.chats:
        room_id = await bare.create_room(preset="private_chat", invite=[rooms.owner.user_id])
        await rooms.owner.join(room_id)
        made.append(room_id)
    return made


async def _until_answered(chats: Iterable[Chat]) -> None:
    """Wait until every chat was found: the first message in each is answered."""
    try:
        await asyncio.gather(*(chat.ask(TIMEOUT) for chat in chats))
    except asyncio.TimeoutError:
        raise NotSeen(f"not every chat was answered within {TIMEOUT:.0f} s") from None


def _interleave(owners: list[WaitingUser], rooms: Iterable[Iterable[str]]) -> tuple[Chat, ...]:
    by_owner = [
        [Chat(owner, room_id) for room_id in part]
        for owner, part in zip(owners, rooms, strict=True)
    ]
    return tuple(chat for rank in zip(*by_owner, strict=True) for chat in rank)
