"""Any order and any repetition of readings ends alike, and history leads to where the state is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from webhook.adapters.mongo.identities import fields_of, known_of
from webhook.domain.cadence import DAY, next_check
from webhook.domain.verification import Aspect, Change, Reading, State, Verification, apply

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
STATES = [state for state in State if state is not State.GONE]

moments = st.integers(0, 40).map(lambda hours: NOW + timedelta(hours=hours))
present = st.builds(
    Reading,
    at=moments,
    identity=st.sampled_from(STATES),
    dkim=st.sampled_from(STATES),
    mail_from=st.sampled_from(STATES),
    sending=st.booleans(),
    last_success=st.none() | moments,
    error=st.sampled_from([None, "HOST_NOT_FOUND"]),
    mail_from_domain=st.just("bounce.example.com"),
)
readings = st.lists(present | st.builds(Reading.gone, moments), min_size=1, max_size=8)


def told(verification: Verification, news: Sequence[Reading]) -> tuple[Verification, list[Change]]:
    history: list[Change] = []
    for reading in news:
        verification, changes = apply(verification, reading)
        history += changes
    return verification, history


def states(verification: Verification) -> dict[Aspect, str]:
    return {aspect: verification.state(aspect) for aspect in Aspect}


@given(data=st.data())
def test_order_and_repetition_of_readings_do_not_matter(data: st.DataObject) -> None:
    news = data.draw(readings)
    disturbed = data.draw(st.permutations(news + data.draw(st.lists(st.sampled_from(news), max_size=5))))
    one, _ = told(Verification(), news)
    other, _ = told(Verification(), disturbed)
    assert (states(one), one.reading) == (states(other), other.reading)


@given(news=readings)
def test_history_leads_to_the_state_without_a_gap(news: list[Reading]) -> None:
    verification, history = told(Verification(), news)
    place = states(Verification())
    for change in history:
        assert place[change.aspect] == change.source != change.target
        place[change.aspect] = change.target
    assert place == states(verification)


@given(news=readings)
def test_telling_everything_again_teaches_nothing(news: list[Reading]) -> None:
    verification, _ = told(Verification(), news)
    assert told(verification, news) == (verification, [])


@given(news=readings)
def test_the_document_gives_the_state_again(news: list[Reading]) -> None:
    verification, _ = told(Verification(), news)
    assert known_of(fields_of("example.com", verification, NOW, {})) == verification


@given(news=readings)
def test_the_states_are_readable_without_the_reading_too(news: list[Reading]) -> None:
    verification, _ = told(Verification(), news)
    fields = fields_of("example.com", verification, NOW, {})
    assert states(known_of({**fields, "observed": None})) == states(verification)


@given(news=readings, crowd=st.integers(0, 20_000), hours=st.integers(0, 200))
def test_everything_is_read_again_within_little_more_than_a_day(news: list[Reading], crowd: int, hours: int) -> None:
    verification, _ = told(Verification(), news)
    now = NOW + timedelta(hours=hours)
    wait = next_check("example.com", verification, crowd, now) - now
    assert timedelta(seconds=30) <= wait <= 1.1 * DAY
