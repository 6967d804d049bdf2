"""Which differences between AWS's figures and what was heard are gaps, which are none, and how they are told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from webhook.domain.figures import TAKEN_BACK, VOID, Count, Heard, Measure, Source, counted
from webhook.domain.gaps import (
    QUARTER,
    Circumstances,
    Reason,
    Row,
    Span,
    State,
    compared_days,
    compared_quarters,
    days_between,
    evened,
    explained,
    joined,
    settled,
)
from webhook.domain.gaps_told import Findings, row_of, sentence, totals
from webhook.domain.mail import Kind

DAY = date(2026, 3, 5)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)
DOMAIN = "shop.example"
ALL_KINDS = frozenset({"Send", "Delivery", "Bounce", "Complaint", "Reject"})
KNOWN = Circumstances(date(2026, 3, 1), {DOMAIN: ALL_KINDS})


def at(text: str) -> datetime:
    hour, minute = map(int, text.split(":"))
    return MIDNIGHT + timedelta(hours=hour, minutes=minute)


def heard(kind: Kind, count: int = 1, what: str = "", **changes: Any) -> Heard:
    return structs.replace(Heard(DOMAIN, MIDNIGHT, MIDNIGHT, kind.value, what, True, count), **changes)


class TestWhatAwsCounts:
    @pytest.mark.parametrize(
        ("row", "source", "expected"),
        [
            pytest.param(heard(Kind.SENT, 3), Source.VDM, {Measure.SEND: Count(3)}, id="sends"),
            pytest.param(heard(Kind.SENT, 3, single=False), Source.VDM, {Measure.SEND: Count(0, 0, 3)}, id="several"),
            pytest.param(
                heard(Kind.SENT, 3, single=False), Source.STATISTICS, {Measure.SEND: Count(3)}, id="several, account"
            ),
            pytest.param(heard(Kind.SENT, 2, simulated=4), Source.VDM, {Measure.SEND: Count(2)}, id="simulator"),
            pytest.param(
                heard(Kind.SENT, 2, simulated=4),
                Source.STATISTICS,
                {Measure.SEND: Count(2, 4)},
                id="simulator, account",
            ),
            pytest.param(heard(Kind.BOUNCED, 1, "Permanent"), Source.VDM, {Measure.BOUNCE: Count(1)}, id="bounce"),
            pytest.param(heard(Kind.BOUNCED, 1, "Transient"), Source.VDM, {Measure.SOFT_BOUNCE: Count(1)}, id="soft"),
            pytest.param(
                heard(Kind.BOUNCED, 1, "Undetermined"), Source.VDM, {Measure.SOFT_BOUNCE: Count(0, 1)}, id="?"
            ),
            pytest.param(
                heard(Kind.BOUNCED, 1, "Transient"), Source.STATISTICS, {Measure.BOUNCE: Count(1)}, id="soft, account"
            ),
            pytest.param(
                heard(Kind.COMPLAINED, 1, TAKEN_BACK), Source.VDM, {Measure.COMPLAINT: Count(0, 1)}, id="taken back"
            ),
            pytest.param(heard(Kind.COMPLAINED, 1, VOID), Source.VDM, {}, id="held-back complaint"),
            pytest.param(heard(Kind.HELD, 2), Source.VDM, {Measure.SEND: Count(-2, 2)}, id="held back"),
            pytest.param(heard(Kind.OPENED), Source.VDM, {}, id="opens are not compared"),
        ],
    )
    def test_each_fact_is_booked_where_aws_books_it(
        self, row: Heard, source: Source, expected: dict[Measure, Count]
    ) -> None:
        assert dict(counted(row, source)) == expected

    def test_what_aws_may_count_or_not_is_no_difference(self) -> None:
        count = Count(10, 3)
        assert [count.lacking(aws) for aws in (9, 10, 13, 15)] == [-1, 0, 0, 2]


class TestDays:
    def test_what_is_missing_is_found_by_domain_day_and_kind(self) -> None:
        aws = {(DOMAIN, DAY, Measure.SEND): 100, (DOMAIN, DAY, Measure.BOUNCE): 5}
        rows = compared_days([heard(Kind.SENT, 90), heard(Kind.BOUNCED, 5, "Permanent")], aws, [DAY])
        found = {row.kind: explained(row, KNOWN) for row in rows}
        assert (found[Measure.SEND].missing, found[Measure.SEND].state) == (10, State.MISSING)
        assert found[Measure.SEND].reason is Reason.LOST
        assert found[Measure.BOUNCE].state is State.OK

    def test_a_late_bounce_is_no_gap_whichever_day_aws_books_it_on(self) -> None:
        days = [DAY, DAY + timedelta(days=1)]
        late = heard(Kind.BOUNCED, 1, "Permanent", happened=MIDNIGHT + timedelta(days=1))
        for booked in days:
            rows = compared_days([late], {(DOMAIN, booked, Measure.BOUNCE): 1}, days)
            assert [row.missing for row in rows] == [0]

    def test_other_days_are_left_alone(self) -> None:
        aws = {(DOMAIN, DAY + timedelta(days=1), Measure.SEND): 7}
        assert compared_days([heard(Kind.SENT, 1)], aws, [DAY + timedelta(days=3)]) == []

    @pytest.mark.parametrize(
        ("row", "known", "state", "reason"),
        [
            (
                Row(DAY, DOMAIN, Measure.SEND, 0, 0, 0, 9, 9),
                Circumstances(date(2026, 3, 1)),
                State.MISSING,
                Reason.UNHEARD,
            ),
            (Row(DAY, DOMAIN, Measure.SEND, 0, 0, 0, 9, 9), Circumstances(DAY), State.NOTE, Reason.BEGINNING),
            (Row(DAY, DOMAIN, Measure.SEND, 0, 0, 0, 9, 9), Circumstances(None), State.NOTE, Reason.BEGINNING),
            (
                Row(DAY, DOMAIN, Measure.SEND, 0, 0, 0, 9, 9),
                Circumstances(date(2026, 3, 1), {DOMAIN: frozenset({"Bounce"})}),
                State.NOTE,
                Reason.UNWIRED,
            ),
            (
                Row(DAY, DOMAIN, Measure.COMPLAINT, 0, 0, 0, 9, 9),
                Circumstances(date(2026, 3, 1), {DOMAIN: frozenset({"Bounce"})}),
                State.MISSING,
                Reason.UNWIRED,
            ),
            (
                Row(DAY, DOMAIN, Measure.BOUNCE, 1, 0, 0, 9, 8),
                Circumstances(date(2026, 3, 1), {DOMAIN: ALL_KINDS}, {DAY: 3}),
                State.MISSING,
                Reason.QUARANTINED,
            ),
            (Row(DAY, DOMAIN, Measure.BOUNCE, 9, 0, 0, 8, -1), KNOWN, State.NOTE, Reason.MORE),
        ],
    )
    def test_known_reasons_are_told_apart(self, row: Row, known: Circumstances, state: State, reason: Reason) -> None:
        thought = explained(row, known)
        assert (thought.state, thought.reason) == (state, reason)
        assert thought.missing >= 0

    def test_a_difference_lasts_a_day_after_its_own_day_ended(self) -> None:
        assert not settled(DAY, MIDNIGHT + timedelta(hours=47))
        assert settled(DAY, MIDNIGHT + timedelta(hours=48))

    def test_days_are_counted_with_both_ends(self) -> None:
        assert days_between(DAY, DAY + timedelta(days=2)) == [DAY + timedelta(days=number) for number in range(3)]
        assert days_between(DAY, DAY - timedelta(days=1)) == []


class TestQuarters:
    def test_quarters_in_a_row_are_one_span(self) -> None:
        lacking = {at("10:15"): 9, at("10:30"): 5, at("10:45"): 0, at("12:00"): 1}
        assert joined(lacking) == (Span(at("10:15"), at("10:45"), 14), Span(at("12:00"), at("12:15"), 1))

    def test_a_neighbours_surplus_makes_up_for_what_is_lacking(self) -> None:
        assert evened({at("10:15"): 3, at("10:30"): -3, at("10:45"): 2}) == {
            at("10:15"): 0,
            at("10:30"): 0,
            at("10:45"): 2,
        }

    @pytest.mark.parametrize("shift", [timedelta(), QUARTER], ids=["begins", "ends"])
    def test_a_point_may_bear_the_beginning_or_the_end_of_its_quarter(self, shift: timedelta) -> None:
        ours = [
            heard(Kind.BOUNCED, count, "Permanent", happened=at(slot))
            for slot, count in (("09:00", 4), ("10:15", 1), ("10:30", 2), ("17:45", 7))
        ]
        truth = {"09:00": 4, "10:15": 10, "10:30": 7, "17:45": 7}
        points = {(at(slot) + shift, Measure.BOUNCE): count for slot, count in truth.items()}
        rows, first = compared_quarters(ours, points, MIDNIGHT, MIDNIGHT + timedelta(days=1))
        assert first == at("09:00")
        [row] = rows
        assert (row.missing, row.spans) == (14, (Span(at("10:15"), at("10:45"), 14),))

    def test_the_quarter_that_is_still_open_is_not_compared(self) -> None:
        points = {(at("10:15"), Measure.SEND): 4}
        assert compared_quarters([], points, MIDNIGHT, at("10:15"))[0] == []


class TestWords:
    def test_a_day_is_told_with_both_numbers(self) -> None:
        row = Row(DAY, DOMAIN, Measure.BOUNCE, 228, 0, 3, 240, 12, State.MISSING, Reason.LOST)
        assert sentence(row) == (
            "12 bounces of shop.example on 2026-03-05 are missing: AWS counts 240, 228 were heard here."
        )

    def test_spans_are_told_by_the_clock(self) -> None:
        spans = (Span(at("10:15"), at("10:45"), 14), Span(at("23:30"), MIDNIGHT + timedelta(days=1), 1))
        row = Row(DAY, None, Measure.BOUNCE, 5, 0, 0, 20, 15, State.MISSING, Reason.LOST, spans)
        assert sentence(row).startswith("14 bounces missing between 10:15 and 10:45, 1 between 23:30 and 24:00 (the")

    def test_a_row_is_told_with_what_to_do(self) -> None:
        told = row_of(Row(DAY, DOMAIN, Measure.SEND, 0, 0, 0, 9, 9, State.MISSING, Reason.LOST))
        assert (told["day"], told["kind"], told["missing"], told["reason"]) == ("2026-03-05", "send", 9, "lost")
        assert "--repair" in told["advice"]

    def test_what_is_explained_is_not_among_the_missing(self) -> None:
        rows = (
            Row(DAY, DOMAIN, Measure.SEND, 1, 0, 0, 4, 3, State.MISSING, Reason.LOST),
            Row(DAY, "new.example", Measure.SEND, 0, 0, 0, 5, 5, State.NOTE, Reason.BEGINNING),
        )
        found = Findings(Source.VDM, "", "", MIDNIGHT, 2, rows, totals(Source.VDM, rows), 0)
        assert found.missing == 3
        assert (found.totals[0].ours, found.totals[0].aws) == (1, 9)
