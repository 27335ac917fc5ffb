"""What the looks of a message may cost, and whom."""

from __future__ import annotations

import asyncio
import threading

import pytest

from plugin.markup import html
from plugin.matrix.render import LONGEST, Renderer, RenderLimits


async def test_markup_is_rendered() -> None:
    assert await Renderer(RenderLimits()).render("*a*") == "<p><em>a</em></p>\n"


@pytest.mark.parametrize(
    "text",
    ["[a](" * 5000, "> " * 200 + "a", "*" * (LONGEST + 1)],
    ids=["quadratic", "deep", "long"],
)
async def test_what_costs_too_much_is_sent_as_it_was_written(text: str) -> None:
    assert await Renderer(RenderLimits(work=0.05)).render(text) is None


async def test_nobody_waits_long_behind_others(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def render_slowly(_: str, __: float) -> str:
        release.wait(10)
        return "<p>slow</p>"

    monkeypatch.setattr(html, "to_html", render_slowly)
    renderer = Renderer(RenderLimits(wait=60.0))
    first = asyncio.create_task(renderer.render("*first*"))
    await asyncio.sleep(0)
    renderer.limits = RenderLimits(wait=0.0)
    second = asyncio.create_task(renderer.render("*second*"))
    await asyncio.sleep(0)
    release.set()

    assert await first == "<p>slow</p>"
    assert await second is None


async def test_a_bug_of_the_parser_costs_the_looks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_: str, __: float) -> str:
        raise IndexError

    monkeypatch.setattr(html, "to_html", break_down)

    assert await Renderer(RenderLimits()).render("*a*") is None


async def test_after_a_stop_texts_go_out_as_they_were_written() -> None:
    renderer = Renderer(RenderLimits())
    await renderer.render("*a*")

    renderer.close()

    assert await renderer.render("*a*") is None
