"""A page that is asked for in a loop is made seldom, and is never older than the question."""

from __future__ import annotations

import asyncio

import pytest

from mizzen_serving.shared_page import SharedPage


def test_all_who_ask_at_once_get_one_page() -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"%d" % len(made)

    async def ask() -> list[bytes]:
        page = SharedPage(make)
        return await asyncio.gather(*(page.get() for _ in range(500)))

    assert set(asyncio.run(ask())) == {b"1"}


def test_a_page_is_made_after_it_was_asked_for() -> None:
    asked = 0

    async def ask() -> None:
        nonlocal asked
        page = SharedPage(lambda: b"%d" % asked)

        async def one() -> None:
            nonlocal asked
            asked += 1
            mine = asked
            assert int(await page.get()) >= mine

        for _ in range(5):
            await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(ask())
    assert asked == 100


def test_one_who_leaves_takes_the_page_from_nobody() -> None:
    async def ask() -> bytes:
        page = SharedPage(lambda: b"page")
        leaves, stays = asyncio.ensure_future(page.get()), asyncio.ensure_future(page.get())
        await asyncio.sleep(0)
        leaves.cancel()
        return await stays

    assert asyncio.run(ask()) == b"page"


def test_a_page_that_cannot_be_made_fails_those_who_asked_and_no_later_ones() -> None:
    broken = True

    def make() -> bytes:
        if broken:
            raise ValueError("no page")
        return b"page"

    async def ask() -> bytes:
        nonlocal broken
        page = SharedPage(make)
        for answer in await asyncio.gather(page.get(), page.get(), return_exceptions=True):
            with pytest.raises(ValueError, match="no page"):
                raise answer
        broken = False
        return await page.get()

    assert asyncio.run(ask()) == b"page"
