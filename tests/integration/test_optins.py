"""Single bounces and complaints are written if somebody asked for them, and only those."""

from datetime import timedelta

import pytest

from tests.alerting import START, Watch, endpoint, prepare
from tests.builders import bounce, complaint, effects_of, mail
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.mongo.optins import BELIEVE, OptIns
from webhook.adapters.mongo.store import MongoStore

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


class Mails:
    """Commits mails that bounced or were complained of; gives those of which an alert was written."""

    def __init__(self, db: Db, watch: Watch) -> None:
        self._db = db
        self._watch = watch
        self._store = MongoStore(db, timedelta(days=30), watch.now)
        self._count = 0

    def told(self, *domains: str) -> set[tuple[str, str]]:
        """The types and domains of the alerts about a bounce and a complaint in each of these domains."""
        self._watch.go(seconds=BELIEVE.total_seconds())
        self._db.alerts.delete_many({})
        batch = []
        for domain in domains:
            self._count += 2
            batch += [
                effects_of(bounce(mail(f"mail-{self._count}", domain=domain))),
                effects_of(complaint(mail(f"mail-{self._count + 1}", domain=domain))),
            ]
        self._store.commit(batch)
        return {(row["type"], row["domain"]) for row in self._db.alerts.find()}


@pytest.fixture
def mails(db: Db, watch: Watch) -> Mails:
    return Mails(db, watch)


BOUNCED, COMPLAINED = "email.bounced", "email.complained"


def test_only_what_is_asked_for_is_written(known: Endpoints, mails: Mails) -> None:
    known.add(endpoint("ep_1", types=("*",)))
    assert mails.told("a.example", "b.example") == set()
    known.add(endpoint("ep_2", types=("email.bounced",), domains=("a.example",)))
    assert mails.told("a.example", "b.example") == {(BOUNCED, "a.example")}
    known.add(endpoint("ep_3", types=("email.complained",)))
    assert mails.told("a.example", "b.example") == {
        (BOUNCED, "a.example"),
        (COMPLAINED, "a.example"),
        (COMPLAINED, "b.example"),
    }


def test_an_owner_who_opts_in_causes_no_alerts_about_the_domains_of_others(
    db: Db, known: Endpoints, mails: Mails
) -> None:
    db.emaildomains.insert_many(
        [
            {"domain": "a.example", "owner": "acme"},
            {"domain": "b.example", "owner": "other"},
            {"domain": "c.example"},
            {"domain": "d.example", "owner": "acme"},
        ]
    )
    domains = ("a.example", "b.example", "c.example", "d.example", "unknown.example")
    known.add(endpoint("ep_1", types=("email.bounced",), owner="acme"))
    assert mails.told(*domains) == {(BOUNCED, "a.example"), (BOUNCED, "d.example")}
    # … not even if he names them.
    known.add(endpoint("ep_2", types=("email.*",), owner="other", domains=("a.example", "b.example")))
    assert mails.told(*domains) == {
        (BOUNCED, "a.example"),
        (BOUNCED, "b.example"),
        (COMPLAINED, "b.example"),
        (BOUNCED, "d.example"),
    }
    known.add(endpoint("ep_3", types=("email.bounced",)))
    assert {domain for kind, domain in mails.told(*domains) if kind == BOUNCED} == set(domains)


def test_what_came_while_an_endpoint_was_disabled_is_there_to_be_replayed(
    db: Db, watch: Watch, known: Endpoints, mails: Mails
) -> None:
    mine = endpoint("ep_1", types=("email.bounced",))
    known.add(mine)
    known.disable("ep_1", "moving house")
    watch.go(days=20)
    assert mails.told("a.example") == {(BOUNCED, "a.example")}
    FanOut(db, watch.now).fan_out()
    assert db.deliveries.count_documents({}) == 0
    assert FanOut(db, watch.now).replay(known.enable("ep_1"), START) == 1
    # After that nothing of then is kept anyway.
    known.disable("ep_1", "for good")
    watch.go(days=30)
    assert mails.told("a.example") == set()


def test_a_clock_that_is_put_back_does_not_blind_it(db: Db, watch: Watch, known: Endpoints) -> None:
    opt_ins = OptIns(db, watch.now)
    assert not opt_ins.known()
    known.add(endpoint("ep_1", types=("email.*",)))
    watch.go(seconds=4)
    assert not opt_ins.known()
    watch.go(hours=-1)
    assert opt_ins.known()
