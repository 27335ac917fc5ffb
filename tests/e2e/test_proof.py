"""The recovery stories can fail: a plugin that does not reconcile at its start does not pass."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dev.environments import ROOT
from dev.pack import package
from dev.stack import INSTANCE, Stack
from dev.vendored import PINS, WHEELS

from .story import OnboardedUser, ask_everywhere, membership_changes, onboard

# A stack of its own: the plugin that cannot recover makes a second Space.
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def own_stack() -> AsyncIterator[Stack]:
    async with Stack.start() as stack:
        yield stack


# Appended to planner/plan.py, it takes the reconciliation out of every run: nothing is found.
FORGETTING = """

def make_plan(snapshot: Snapshot, cached: Topology, rules: Rules) -> Plan:
    return Plan(Topology())
"""


def forgetful_plugin(tree: Path) -> bytes:
    """The package of a checkout that never finds anything, whatever stands in Matrix."""
    shutil.copytree(ROOT / "plugin", tree / "plugin")
    for name in ("maubot.yaml", "base-config.yaml", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for path in (ROOT / PINS, *(ROOT / WHEELS).glob("*.whl")):
        target = tree / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    source = tree / "plugin" / "planner" / "plan.py"
    text = source.read_text(encoding="utf-8")
    assert "def make_plan(" in text, "what this test takes out has another name now"
    source.write_text(text + FORGETTING, encoding="utf-8")
    return package(tree)


async def recovers(stack: Stack, onboarded: OnboardedUser, plugin: bytes) -> bool:
    """The recovery story with this package: whether the old chats are chats after it."""
    await stack.maubot.upload(plugin)
    await stack.maubot.stop()
    stack.maubot.delete_database(INSTANCE)
    stack.proxy.clear()
    await stack.maubot.start()
    answers = await ask_everywhere([onboarded], "still there?")
    all_answer = answers == dict.fromkeys(onboarded.chats, "still there?")
    return all_answer and membership_changes(stack.proxy) == []


async def test_without_reconciliation_nothing_is_recovered(
    own_stack: Stack, tmp_path: Path
) -> None:
    eli = await onboard(own_stack, "eli", chats=2)
    assert await recovers(own_stack, eli, package(ROOT))
    assert not await recovers(own_stack, eli, forgetful_plugin(tmp_path))
