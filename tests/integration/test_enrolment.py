"""Endpoints as people make, change, try out and replace them."""

from typing import Any

import pytest

from tests.alerting import START, Plain, Watch, pausing, prepare, write
from tests.loopback import Server, answering
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints, shown
from webhook.adapters.mongo.fanout import FanOut
from webhook.dispatching import Enrolment
from webhook.dispatching.enrolment import Changes, Wanted
from webhook.domain.deliveries import Attempt
from webhook.domain.endpoints import Format, Kind, State
from webhook.errors import Conflict, Invalid, NotFound

pytestmark = pytest.mark.mongo


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


class Anything:
    """Checks nothing but the one address."""

    def check(self, _kind: Kind, url: str, _headers: Any, _form: Format) -> None:
        if url == "http://10.0.0.1/":
            raise Invalid("url", "it is private", "use another")


@pytest.fixture
def enrolment(known: Endpoints, watch: Watch) -> Enrolment:
    secrets = iter(f"whsec_{number}" for number in range(99))
    return Enrolment(known, Anything(), Plain(), lambda: next(secrets), lambda text: f"sealed {text}", watch.now)


def test_a_new_endpoint_tells_its_secret_once(enrolment: Enrolment, known: Endpoints) -> None:
    made, secret = enrolment.add(Wanted("https://example.net/", types=["domain.*"], domains=["A.Example."]), "acme")
    assert secret == "whsec_0"
    assert known.get(made.id, "acme") == made
    assert (made.domains, made.owner, made.secrets[0].sealed) == (("a.example",), "acme", "sealed whsec_0")
    assert "whsec" not in str(shown(made))
    assert shown(made)["state"] == "active"
    with pytest.raises(NotFound):
        known.get(made.id, "other")
    chat, none = enrolment.add(Wanted("https://example.net/", kind="slack"))
    assert (none, chat.secrets) == (None, ())


REFUSED = [
    pytest.param(Wanted("https://example.net/", kind="pigeon"), "kind", id="an unknown kind"),
    pytest.param(Wanted("https://example.net/", types=["domain.reputatoin.*"]), "types", id="a type that is none"),
    pytest.param(Wanted("https://example.net/", types=[]), "types", id="no types"),
    pytest.param(Wanted("https://example.net/", domains=["not a domain"]), "domains", id="a domain that is none"),
    pytest.param(Wanted("https://example.net/", rate=0), "rate", id="no rate"),
    pytest.param(Wanted("https://example.net/", rate=float("nan")), "rate", id="not a number"),
    pytest.param(Wanted("https://example.net/", format="xml"), "format", id="an unknown format"),
    pytest.param(Wanted("https://example.net/", description="x" * 501), "description", id="a long description"),
    pytest.param(Wanted("http://10.0.0.1/"), "url", id="a private address"),
]


@pytest.mark.parametrize(("wanted", "field"), REFUSED)
def test_what_is_wrong_is_named_and_nothing_is_kept(enrolment: Enrolment, db: Db, wanted: Wanted, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        enrolment.add(wanted)
    assert refused.value.field == field
    assert db.endpoints.count_documents({}) == 0


def test_a_change_keeps_the_rest_and_how_the_endpoint_fares(
    enrolment: Enrolment, known: Endpoints, db: Db, watch: Watch
) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/", rate=5.0))
    write(db, pausing())
    FanOut(db, watch.now).fan_out()
    deliveries = Deliveries(db, watch.now)
    [claim] = deliveries.claim(made, 1, lambda _: None)
    deliveries.failed(claim, Attempt(1, watch.at, 9, 500, "it answered 500"), watch.at, gone=False)
    changed = enrolment.change(made.id, Changes(types=["domain.*"], rate=None))
    stored = known.get(made.id)
    assert (stored.types, stored.rate, stored.url) == (("domain.*",), None, "https://example.net/")
    assert (changed.types, stored.state) == (("domain.*",), State.FAILING)
    with pytest.raises(Invalid):
        enrolment.change(made.id, Changes(url="http://10.0.0.1/"))


def test_of_two_who_change_the_same_endpoint_one_is_told(enrolment: Enrolment, known: Endpoints) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"))

    class Late(Anything):
        def check(self, *_: Any) -> None:
            """While this one is being checked, another is faster."""
            enrolment.change(made.id, Changes(description="first"))

    with pytest.raises(Conflict):
        Enrolment(known, Late(), Plain(), str, str, lambda: START).change(made.id, Changes(description="second"))
    assert known.get(made.id).description == "first"


def test_a_replaced_secret_signs_for_a_day_more(enrolment: Enrolment, known: Endpoints, watch: Watch) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"))
    watch.go(hours=1)
    _, second = enrolment.rotate(made.id)
    watch.go(hours=1)
    _, third = enrolment.rotate(made.id)
    assert (second, third) == ("whsec_1", "whsec_2")
    stored = known.get(made.id)

    def signing() -> list[str]:
        return [secret.sealed.removeprefix("sealed whsec_") for secret in stored.secrets_at(watch.at)]

    assert signing() == ["2", "1", "0"]
    watch.go(hours=23)
    assert signing() == ["2", "1"]
    watch.go(hours=1)
    assert signing() == ["2"]
    chat, _ = enrolment.add(Wanted("https://example.net/", kind="slack"))
    with pytest.raises(Invalid):
        enrolment.rotate(chat.id)


def test_trying_out_tells_what_came_back_and_stores_nothing(enrolment: Enrolment, db: Db, known: Endpoints) -> None:
    with Server(answering(204)) as well, Server(answering(500, b"oh no")) as broken:
        good, _ = enrolment.add(Wanted(well.origin))
        bad, _ = enrolment.add(Wanted(broken.origin))
        known.disable(good.id, "later")
        assert enrolment.test(good.id)["delivered"]
        said = enrolment.test(bad.id)
    assert (said["delivered"], said["status"], said["error"]) == (False, 500, "it answered 500")
    assert said["body"] == "oh no"
    assert b"endpoint.test" in well.asked[0].body
    assert db.alerts.count_documents({}) == db.deliveries.count_documents({}) == 0
    assert known.get(bad.id).state is State.ACTIVE
