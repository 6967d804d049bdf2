"""Cursors and pages."""

from datetime import UTC, datetime, timedelta

import pytest

from webhook.paging import BadCursor, Page, page_of, seal, unseal

NOW = datetime(2026, 3, 14, 12, 0, 0, 5000, tzinfo=UTC)


def test_a_place_comes_back_as_it_was() -> None:
    assert unseal(seal([NOW, "ü/ß?", 7]), datetime, str, int) == [NOW, "ü/ß?", 7]


def test_a_cursor_needs_no_escaping() -> None:
    assert all(letter.isalnum() or letter in "-_" for letter in seal([NOW, "???>>>ÿÿÿ~~~"]))


def test_another_offset_is_the_same_moment() -> None:
    (back,) = unseal(seal([NOW.astimezone(tz=None) + timedelta()]), datetime)
    assert back == NOW
    assert back.tzinfo is UTC


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "====", "a b", "ü", "A" * 5000, "W10", "bnVsbA", seal("text"), seal([])),
        *(seal(["a", "b"]), seal([1]), seal([None]), seal([{"$gt": 1}]), seal([["a"]])),
    ],
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        unseal(cursor, str)


def test_a_page_has_a_cursor_only_if_there_is_more() -> None:
    rows = [{"n": "a"}, {"n": "b"}, {"n": "c"}]
    assert page_of(rows, 3, lambda last: [last["n"]]) == Page(rows, None)
    assert page_of(rows, 2, lambda last: [last["n"]]) == Page(rows[:2], seal(["b"]))
    assert page_of([], 2, lambda last: [last["n"]]) == Page([], None)
