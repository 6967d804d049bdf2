"""Documents of domains into which another backend wrote anything: they are shown, paused, judged and followed alike."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from tests.fakes.ses import FakeSes
from tests.integration.test_following import Following, api, clock, following  # noqa: F401 - fixtures
from tests.integration.test_pausing import COMMON, POLICY, Recorder, Watch, work
from tests.telling import NOW, Teller
from tests.web.conftest import bearing, client, open_client, settings, stranger, teller  # noqa: F401 - fixtures
from tests.web.conftest import ses as web_ses  # noqa: F401
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.domains import Domains
from webhook.adapters.mongo.identities import fields_of, known_of, reading_of
from webhook.adapters.mongo.pauses import Pauses, pause_of
from webhook.adapters.mongo.verdicts import Judge, fresh_of
from webhook.domain.pausing import By, Task
from webhook.domain.verification import Reading, State
from webhook.errors import Refused
from webhook.pausing import Pauser
from webhook.web.api.domains import message_of, told_of

pytestmark = pytest.mark.mongo
EPOCH = datetime.fromtimestamp(0, UTC)
#: What may stand anywhere.
ANYTHING: list[Any] = ["x", 7, True, [], ["x"], [{"a": 1}], {}, {"a": 1}, None, datetime(2026, 3, 1, tzinfo=UTC)]
DOMAIN = "example.com"
PATH = f"/api/email-domains/{DOMAIN}"

anything = pytest.mark.parametrize("value", ANYTHING, ids=repr)


@pytest.fixture
def ses(request: pytest.FixtureRequest) -> Iterator[FakeSes]:
    """In real time for the application, in simulated time for the follower."""
    if "client" in request.fixturenames:
        yield request.getfixturevalue("web_ses")
    else:
        with FakeSes(throttle=False) as fake:
            yield fake


@pytest.fixture
def domains(database: Db) -> Domains:
    return Domains(database, Judge(database, POLICY), lambda: NOW)


@pytest.fixture
def switch() -> Recorder:
    return Recorder()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pauses(database: Db, watch: Watch) -> Pauses:
    return Pauses(database, Judge(database, POLICY).judge, watch.now)


@pytest.fixture
def pauser(pauses: Pauses, switch: Recorder, watch: Watch) -> Pauser:
    return Pauser(pauses, switch, watch.now, common_set=COMMON)


def stored(db: Db, domain: str = DOMAIN) -> dict[str, Any]:
    found = db.emaildomains.find_one({"domain": domain}, {"_id": 0})
    assert found is not None
    return found


# -- shown


def told(client: FlaskClient, path: str) -> Any:  # noqa: F811
    response = client.get(path)
    assert response.status_code == 200
    return response.json


@pytest.mark.parametrize("field", ["reputation", "paused", "freshStart", "awsSes", "pauseTask", "owner"])
@anything
def test_any_field_may_hold_anything(database: Db, client: FlaskClient, field: str, value: Any) -> None:  # noqa: F811
    database.emaildomains.insert_one({"domain": DOMAIN, field: value})
    assert [one["domain"] for one in told(client, "/api/email-domains")["items"]] == [DOMAIN]
    assert client.get(PATH).status_code == 200
    assert told(client, f"{PATH}/reputation")["reputation"]["status"] == "insufficient_data"
    assert client.get("/metrics").status_code == 200


@anything
def test_any_status_is_counted(database: Db, domains: Domains, value: Any) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "reputation": {"status": value}})
    database.emaildomains.insert_one({"domain": "b.example", "reputation": value})
    unknown = value == "x"
    assert domains.by_status()["insufficient_data"] == (1 if unknown else 2)


@pytest.mark.parametrize("window", [*ANYTHING, {"from": 1, "to": 2}, {"from": "2026-01-01"}], ids=repr)
def test_a_verdict_without_a_window_is_none(database: Db, domains: Domains, window: Any) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "reputation": {"status": "healthy", "window": window}})
    assert domains.get(DOMAIN)["reputation"] is None
    assert domains.reputation(DOMAIN)["reputation"]["since"] is None


@pytest.mark.parametrize("name", [7, None, ["a.example"], {}], ids=repr)
def test_what_has_no_name_is_no_domain(database: Db, domains: Domains, name: Any) -> None:
    database.emaildomains.insert_many([{"domain": name}, {"domain": DOMAIN}])
    for part in ("", "e"):
        page = domains.find(part=part, limit=1)
        assert ([one["domain"] for one in page.items], page.next_cursor) == ([DOMAIN], None)


def test_not_started_finds_those_that_ses_was_never_asked_about(database: Db, domains: Domains) -> None:
    states = {"a.example": {}, "b.example": {"awsSes": {"verificationStatus": "not_started"}}}
    states["c.example"] = {"awsSes": {"verificationStatus": "success"}}
    database.emaildomains.insert_many([{"domain": domain, **more} for domain, more in states.items()])
    found = domains.find(verification="not_started").items
    assert [one["domain"] for one in found] == ["a.example", "b.example"]


@pytest.mark.parametrize("name", ["bücher.example", " BÜCHER.Example. ", "xn--bcher-kva.example"])
def test_a_domain_is_found_by_its_name_for_people(database: Db, domains: Domains, name: str) -> None:
    database.emaildomains.insert_one({"domain": "xn--bcher-kva.example"})
    assert domains.get(name)["domain"] == "xn--bcher-kva.example"


@pytest.mark.parametrize("field", ["error", "dkimRecords", "dkimTokens", "retryAt", "registered"])
@anything
def test_adding_it_again_says_what_to_do(field: str, value: Any) -> None:
    aws = told_of({"awsSes": {"registered": field == "dkimRecords", field: value}})
    assert message_of(DOMAIN, aws, created=False).startswith(f"{DOMAIN} was added before")


# -- identities

FOREIGN = {
    "registered": True,
    "mailFrom": "x",
    "observed": "y",
    "checks": "z",
    "dkimTokens": None,
    "dkimRecords": [1, None],
    "verificationStatus": 7,
    "error": "boom",
}


def test_states_of_foreign_types_count_as_absent() -> None:
    known = known_of(FOREIGN)
    assert (known.identity, known.mail_from, known.checks, known.reading) == (State.NOT_STARTED, "not_started", 0, None)


@pytest.mark.parametrize("field", ["mailFrom", "observed", "checks", "changedAt", "verificationStatus", "dkimStatus"])
@anything
def test_a_reading_is_written_over_anything(following: Following, field: str, value: Any) -> None:  # noqa: F811
    following.register(DOMAIN, **{field: value})
    following.register("b.example")
    following.rest()
    for domain in (DOMAIN, "b.example"):
        assert following.state(domain)["verificationStatus"] == "pending"
        assert isinstance(following.state(domain)["observed"], dict)


@pytest.mark.parametrize("field", ["dkim", "mailFrom", "sending", "lastSuccess", "error", "dkimTokens", "hostedZone"])
@anything
def test_a_stored_reading_may_hold_anything(field: str, value: Any) -> None:
    reading = reading_of({"at": NOW, "identity": "success", field: value})
    assert reading is not None
    assert reading.rank >= Reading(at=NOW, identity=State.SUCCESS).rank[:2]
    known = known_of({"observed": {"at": NOW, "identity": "success", field: value}})
    assert fields_of(DOMAIN, known, NOW, {"error": value})["verificationStatus"] == "success"


@pytest.mark.parametrize(
    "observed",
    [*ANYTHING, {"identity": "x", "at": NOW}, {"identity": "success"}],
    ids=lambda value: "at no known state" if isinstance(value, dict) and "at" in value else repr(value),
)
def test_what_is_no_reading_is_none(observed: Any) -> None:
    assert reading_of(observed) is None


@pytest.mark.parametrize(
    "foreign",
    [
        {"domain": ["l.example"], "awsSes": {"registered": True}},
        {"awsSes": {"registered": True}},
        {"domain": "l.example", "awsSes": [{"registered": True}]},
    ],
    ids=repr,
)
def test_what_can_not_be_followed_is_left_alone(database: Db, following: Following, foreign: dict[str, Any]) -> None:  # noqa: F811
    database.emaildomains.insert_one(dict(foreign))
    following.register()
    following.rest()
    assert following.state()["observed"]["identity"] == "pending"


def test_a_malformed_domain_is_put_off_and_the_others_go_on(following: Following) -> None:  # noqa: F811
    following.register()
    following.register("b.example")
    with capture_logs() as logs:
        follower = following.another(Broken(following.api))
        while follower.work():
            pass
    assert [(line["domain"], line["code"]) for line in logs if line["event"] == "[AWS SES] domain_unreadable"] == [
        (DOMAIN, "malformed")
    ]
    assert following.state()["nextCheck"] == following.clock.now() + timedelta(hours=1)
    assert following.state("b.example")["observed"]["identity"] == "pending"


class Broken:
    """SES, of one domain of which nothing can be made."""

    def __init__(self, api: Any) -> None:  # noqa: F811
        self.list_identities: Callable[..., Any] = api.list_identities
        self._get = api.get_identity

    def get_identity(self, domain: str) -> Any:
        return None if domain == DOMAIN else self._get(domain)


# -- paused


@pytest.mark.parametrize(
    ("paused", "why"),
    [
        ({"by": "staff"}, ""),
        ({"by": "staff", "who": 7, "why": [], "at": "now", "carried": {}, "numbers": 1, "owner": {}}, ""),
        ({"by": "robot", "why": "spam", "owner": "acme"}, "spam"),
        ({"by": ["staff"]}, ""),
        (True, ""),
        ("fraud", "fraud"),
        (["x"], ""),
        (1, ""),
    ],
    ids=repr,
)
def test_whatever_pauses_is_the_staffs_until_it_is_resumed(database: Db, pauser: Pauser, paused: Any, why: str) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "owner": "acme", "paused": paused, "awsSes": "x"})
    pause = pause_of(stored(database))
    assert pause is not None
    assert (pause.by, pause.who, pause.why, pause.at, pause.rank) == (By.STAFF, "", why, EPOCH, 2)
    with pytest.raises(Refused):
        pauser.resume(DOMAIN, "acme-key", "please", "acme")
    assert pauser.resume(DOMAIN, "ops", "checked")["paused"] is None
    work(pauser)
    assert "pauseTask" not in stored(database)


@pytest.mark.parametrize("paused", [None, False, 0, "", [], {}], ids=repr)
def test_nothing_is_no_pause(paused: Any) -> None:
    assert pause_of({"paused": paused}) is None


@pytest.mark.parametrize("task", [*ANYTHING, {"claim": 1}, {"claim": "x", "retryAt": "y"}], ids=repr)
def test_a_pause_is_carried_whatever_stood_for_its_task(
    database: Db, pauser: Pauser, switch: Recorder, task: Any
) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "pauseTask": task, "awsSes": {"configurationSet": "own"}})
    assert not pauser.work()
    pauser.pause(DOMAIN, "ops", "spam")
    assert work(pauser) == 1
    assert switch.told == [("own", False)]
    assert stored(database)["paused"]["carried"] == "configuration_set"


@pytest.mark.parametrize("field", ["attempts", "claim", "carried", "carriedTo", "want"])
@anything
def test_a_task_that_is_due_may_hold_anything(database: Db, pauser: Pauser, field: str, value: Any) -> None:
    task = {"want": "paused", "attempts": 0, "retryAt": NOW, field: value}
    database.emaildomains.insert_one({"domain": "l.example", "paused": "fraud", "pauseTask": task})
    database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": {"configurationSet": "own"}})
    pauser.pause(DOMAIN, "ops", "spam")
    assert work(pauser) == (1 if field == "want" else 2)
    assert stored(database, "l.example")["paused"] == "fraud"
    assert ("pauseTask" in stored(database, "l.example")) == (field == "want")


def test_a_malformed_task_is_put_off_and_the_others_go_on(
    database: Db, pauser: Pauser, switch: Recorder, watch: Watch
) -> None:
    sets = {DOMAIN: "own", "b.example": "other"}
    database.emaildomains.insert_many(
        [{"domain": domain, "awsSes": {"configurationSet": own}} for domain, own in sets.items()]
    )
    pauser.pause(DOMAIN, "ops", "spam")
    watch.turn(seconds=1)
    pauser.pause("b.example", "ops", "spam")
    switch.errors.append(TypeError("unforeseen"))
    with capture_logs() as logs:
        work(pauser)
    assert [line["domain"] for line in logs if line["event"] == "[AWS SES] pause_not_carried"] == [DOMAIN]
    task = stored(database)["pauseTask"]
    assert (task["error"]["code"], task["retryAt"]) == ("malformed", watch.now() + timedelta(hours=1))
    assert switch.told[1:] == [("other", False)]


@pytest.mark.parametrize("aws", [value for value in ANYTHING if not isinstance(value, dict)], ids=repr)
def test_a_task_needs_nothing_of_ses(database: Db, pauses: Pauses, pauser: Pauser, aws: Any) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": aws})
    pauser.pause(DOMAIN, "ops", "spam")
    task = pauses.claim()
    assert isinstance(task, Task)
    assert (task.tenant, task.configuration_set) == (None, None)


# -- judged


@pytest.mark.parametrize(
    "fresh",
    [*ANYTHING, {"score": 5}, {"day": "x", "base": {}}, {"day": 1, "base": {}}, {"day": "2026-01-01", "base": 1}],
    ids=repr,
)
def test_what_is_no_fresh_start_is_none(fresh: Any) -> None:
    assert fresh_of({"freshStart": fresh}) is None


@pytest.mark.parametrize("field", ["status", "flags", "since"])
@anything
def test_a_domain_is_judged_whatever_stood_there(
    database: Db,
    teller: Teller,  # noqa: F811
    field: str,
    value: Any,
) -> None:
    database.emaildomains.insert_one({"domain": DOMAIN, "freshStart": value, "reputation": {field: value}})
    teller.traffic(DOMAIN, sent=400, bounces=40)
    assert stored(database)["reputation"]["status"] == "flagged"
