"""What `check` finds, from plain values."""

import pytest

from webhook import checks
from webhook.checks import Code, Configured, Severity, State, Wiring

FULL = frozenset({"Send", "Delivery", "Bounce", "Complaint"})


def codes(state: State) -> list[str]:
    return [finding.code.value for finding in checks.state(state)]


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        pytest.param(Configured(topics=True, trusted_origins=()), [], id="all set"),
        pytest.param(Configured(topics=False, trusted_origins=()), ["W101"], id="no topics"),
        pytest.param(Configured(topics=True, trusted_origins=("http://a",)), ["W102"], id="trusted origins"),
    ],
)
def test_configuration(configured: Configured, expected: list[str]) -> None:
    assert [finding.code.value for finding in checks.configuration(configured)] == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(State(), [], id="nothing heard yet"),
        pytest.param(State(wirings=(Wiring("set:main", FULL),)), [], id="a set that tells all"),
        pytest.param(State(wirings=(Wiring("identity:x.com", frozenset({"Bounce"})),)), ["W301"], id="blind identity"),
        pytest.param(State(wirings=(Wiring("set:y", frozenset({"Complaint"})),)), ["W301"], id="blind set"),
        pytest.param(State(wirings=(Wiring("set:y", frozenset({"Open"})),)), [], id="a set for openings only"),
        pytest.param(State(wirings=(Wiring("set:y", FULL - {"Complaint"}),)), ["N302"], id="no complaint ever"),
        pytest.param(State(wirings=(Wiring("set:y", frozenset({"Send"})),)), ["N302"], id="neither"),
        pytest.param(
            State(wirings=(Wiring("identity:x.com", frozenset({"Delivery", "Bounce"})),)),
            [],
            id="identity with delivery",
        ),
        pytest.param(State(quarantine={"malformed": 2, "no_domain": 1}), ["W401"], id="quarantine"),
        pytest.param(State(unsubscribed=("arn:a", "arn:b")), ["W402", "W402"], id="unsubscribed"),
        pytest.param(State(lag=10.0), [], id="ten seconds are allowed"),
        pytest.param(State(lag=10.1), ["W501"], id="lag"),
        pytest.param(State(tokens=False), ["W103"], id="no tokens"),
    ],
)
def test_state(state: State, expected: list[str]) -> None:
    assert codes(state) == expected


def test_a_blind_identity_is_told_what_to_switch_on_and_for_whom() -> None:
    wiring = Wiring("identity:x.com", frozenset({"Bounce", "Complaint"}), ("x.com",), 1)
    (finding,) = checks.state(State(wirings=(wiring,)))
    assert finding.sentence == (
        "Identity x.com tells of neither Send nor Delivery, so nothing says how much was sent; "
        "not judged for it: x.com."
    )
    assert finding.fix == "switch on Delivery notifications of identity x.com"


def test_a_blind_set_names_some_of_its_domains_and_counts_the_rest() -> None:
    domains = tuple(f"d{number}.example" for number in range(20))
    wiring = Wiring("set:main", frozenset({"Bounce"}), domains, 1234)
    (finding,) = checks.state(State(wirings=(wiring,)))
    assert "d0.example, d1.example, d2.example, d3.example, d4.example and 1,229 more." in finding.sentence
    assert finding.fix == "add DELIVERY (or SEND) to the matching event types of configuration set main"


def test_a_set_that_never_told_of_feedback_is_told_which_types_to_look_for() -> None:
    (finding,) = checks.state(State(wirings=(Wiring("set:main", frozenset({"Send"})),)))
    assert finding.severity is Severity.NOTE
    assert "BOUNCE and COMPLAINT" in finding.fix


def test_publishing_without_a_named_set_is_described() -> None:
    (finding,) = checks.state(State(wirings=(Wiring("set:", frozenset({"Bounce"})),)))
    assert finding.sentence.startswith("Event publishing without a named configuration set")


def test_the_quarantine_is_told_by_reason() -> None:
    (finding,) = checks.state(State(quarantine={"malformed": 1200, "no_domain": 1}))
    assert finding.sentence == "The quarantine is not empty: 1,200 malformed, 1 no_domain."


def test_only_what_begins_with_e_is_an_error() -> None:
    found = {code for code in Code if code.severity is Severity.ERROR and code.value < "E600"}
    assert found == {Code.SETTINGS, Code.DATABASE}
    assert {code.value[0] for code in Code} == {"E", "W", "N"}
