"""The trace of calls tells what was called, what only makes objects, and what calls up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from dev.trace.layers import Layers, read_layers
from dev.trace.recorder import Call, Function, Recorder
from dev.trace.runs import trace_cold_start, trace_message
from dev.trace.table import Trace

from .trace_toy import high, low

TOY = high.__name__.rpartition(".")[0]
LAYERS = Layers([high.__name__, f"{low.__name__} | ({TOY}.nowhere)"])


def record(run: Coroutine[Any, Any, object], recorder: Recorder | None = None) -> list[Call]:
    """What one coroutine calls in the toy package."""
    recorder = recorder or Recorder(TOY)

    async def call() -> None:
        with recorder.recording():
            await run

    with recorder.installed():
        asyncio.run(call())
    return recorder.calls


def names(functions: list[Function]) -> list[str]:
    return [f"{one.module.rpartition('.')[2]}.{one.name}" for one in functions]


def test_every_function_is_counted_once_however_often_it_goes_on() -> None:
    trace = Trace(record(high.compute()), LAYERS)

    assert names(trace.functions) == [
        "high.compute",
        "low.add",
        "low.count",
        "low.pause",
        "low.tick",
    ]
    assert list(trace.entries.values()) == [1, 2, 2, 1, 1, 1]
    assert trace.modules == [high.__name__, low.__name__]


def test_what_only_makes_objects_is_listed_apart() -> None:
    async def make() -> None:
        high.Engine()
        low.Value(1)

    trace = Trace(record(make()), LAYERS)

    assert trace.functions == []
    assert {one.module for one in trace.constructors} == {high.__name__, low.__name__}
    assert trace.constructors_only == [high.__name__, low.__name__]


def test_a_callback_from_above_that_is_awaited_is_a_call_up() -> None:
    trace = Trace(record(high.hand_down()), LAYERS)

    ((caller, callee),) = trace.calls_up
    assert names([caller, callee]) == ["low.call_back", "high.notify"]


def test_what_comes_back_through_the_event_loop_is_no_call_up() -> None:
    trace = Trace(record(high.hand_to_loop()), LAYERS)

    assert names(trace.functions) == ["high.hand_to_loop", "low.schedule", "high.notify"]
    assert trace.calls_up == []


def test_nothing_counts_after_the_landmark() -> None:
    async def both() -> None:
        await high.hand_down()
        await high.compute()

    calls = record(both(), Recorder(TOY, high.compute.__code__))

    assert names([call.callee for call in calls]) == [
        "high.hand_down",
        "low.call_back",
        "high.notify",
    ]


def test_a_landmark_that_was_not_reached_is_an_error() -> None:
    with pytest.raises(LookupError):
        record(high.hand_down(), Recorder(TOY, high.compute.__code__))


def test_the_layers_are_those_of_the_import_contract() -> None:
    layers = read_layers()
    bot, route = Function("plugin.bot", "run"), Function("plugin.topology.routes", "lookup")

    assert layers.layer_of("plugin.topology.routes") == "plugin.topology"
    assert layers.goes_up(route, bot)
    assert not layers.goes_up(bot, route)
    assert not layers.goes_up(bot, bot)


async def test_a_message_is_traced_from_the_handler_to_the_reply() -> None:
    layers = read_layers()
    folders = [layers.layer_of(call.callee.module) for call in await trace_message()]

    assert folders[0] == "plugin.handlers"
    assert {"plugin.delivery", "plugin.platforms", "plugin.topology"} < {*folders}
    # The reply is on its way to the homeserver.
    assert folders[-1] == "plugin.matrix"


async def test_a_cold_start_is_traced_until_the_handlers_are_registered() -> None:
    calls = await trace_cold_start()
    layers = read_layers()

    folders = {layers.layer_of(call.callee.module) for call in calls}
    assert {"plugin.cache", "plugin.matrix", "plugin.planner", "plugin.reconciler"} < folders
    assert "plugin.platforms" not in folders
