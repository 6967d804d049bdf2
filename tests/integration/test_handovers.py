"""A domain that changes hands."""

from datetime import datetime, timedelta

import pytest

from tests.builders import NOW, RETENTION, bounce, effects_of, mail, send
from tests.fakes.ses import FakeSes
from tests.integration.test_hostile_days import POLICY
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.events import Events
from webhook.adapters.mongo.histories import Histories
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.pauses import Pauses
from webhook.adapters.mongo.registrations import Registrations
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.suppressions import Suppressions
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.names import DomainNames
from webhook.adapters.ses.client import SesApi
from webhook.domain.reputation import Status
from webhook.errors import NotFound, Refused
from webhook.paging import Wanted
from webhook.pausing import Pauser
from webhook.registration import NewDomain, Registrar, Rules


class Hands:
    """Everything that a domain goes through, at a time that a test moves."""

    def __init__(self, db: Db, ses: FakeSes) -> None:
        ensure_indexes(db)
        self.db = db
        self.at = NOW
        api = SesApi(
            region="eu-north-1",
            access_key_id="a",
            secret_access_key="b",
            endpoint_url=ses.origin,
            reserve=lambda *_a, **_k: 0.0,
            pause=lambda _s: None,
        )
        rules = Rules(auto_register=False)
        self.registrar = Registrar(
            Registrations(db, self.now), api, DomainNames(), rules, now=self.now, jitter=lambda: 0.0
        )
        self.judge = Judge(db, POLICY)
        self.pauser = Pauser(Pauses(db, self.judge.judge, self.now), api, self.now)
        self.store = MongoStore(db, RETENTION, self.now)

    def now(self) -> datetime:
        return self.at

    def add(self, owner: str) -> None:
        self.registrar.add(NewDomain("example.com", owner=owner), owner, owner)

    def bounces(self, count: int = 30) -> None:
        self.store.commit([effects_of(send(mail(f"{self.at:%H%M}-{n}"))) for n in range(count)])
        self.store.commit([effects_of(bounce(mail(f"{self.at:%H%M}-{n}"))) for n in range(count)])
        self.post()

    def post(self) -> None:
        while Journal(self.db, self.judge, self.now).post().entries:
            pass


@pytest.fixture
def hands(database: Db) -> Hands:
    with FakeSes(throttle=False) as ses:
        return Hands(database, ses)


def test_the_next_owner_sees_nothing_from_before(hands: Hands) -> None:
    hands.add("first")
    hands.bounces()
    hands.db.verifications.insert_one({"domain": "example.com", "at": hands.at})
    told = Suppressions(hands.db, hands.now)
    assert told.find(owner="first").items
    hands.at += timedelta(hours=1)
    hands.registrar.remove("example.com", keep_identity=False, who="first", owner="first")
    hands.add("second")
    events, mail_id = Events(hands.db), hands.db.mails.find_one({})["_id"]
    assert not events.of_domain("example.com", Wanted(), owner="second").items
    assert events.of_domain("example.com", Wanted()).items
    with pytest.raises(NotFound):
        events.of_mail(mail_id, "second")
    assert not Histories(hands.db).find("example.com", owner="second").items
    assert not told.find(owner="second").items
    assert not told.find(owner="second", domain="example.com").items
    address = hands.db.suppressions.find_one({})["address"]
    assert told.check([address], "example.com", "second"), "it is not sent to all the same"


def test_a_domain_that_is_added_again_is_judged_by_what_was_heard_of_it(hands: Hands) -> None:
    hands.add("first")
    hands.bounces(200)
    hands.registrar.remove("example.com", keep_identity=False, who="first", owner="first")
    hands.add("first")
    hands.post()
    found = hands.db.emaildomains.find_one({"domain": "example.com"})
    assert found is not None
    assert found["reputation"]["status"] == Status.FLAGGED


def test_an_owner_can_not_remove_what_the_staff_paused(hands: Hands) -> None:
    hands.add("first")
    hands.pauser.pause("example.com", "staff", "spam")
    with pytest.raises(Refused, match="paused by the platform's staff"):
        hands.registrar.remove("example.com", keep_identity=False, who="first", owner="first")
    assert hands.registrar.remove("example.com", keep_identity=False, who="staff", owner=None)


def test_what_is_paused_at_ses_is_resumed_before_it_is_removed(hands: Hands) -> None:
    hands.add("first")
    hands.pauser.pause("example.com", "staff", "spam")
    hands.db.emaildomains.update_one({}, {"$set": {"paused.carried": "tenant", "paused.carriedTo": "arn:t"}})
    with pytest.raises(Refused, match="paused at SES too"):
        hands.registrar.remove("example.com", keep_identity=False, who="staff", owner=None)


def test_a_domain_of_the_platforms_own_backend_is_no_owners(hands: Hands) -> None:
    hands.db.emaildomains.insert_one({"domain": "example.com", "maxAccounts": 7})
    with pytest.raises(Refused, match="not available"):
        hands.add("first")
    hands.registrar.add(NewDomain("example.com", owner="first"), "staff", None)
    assert hands.db.emaildomains.find_one({})["owner"] == "first"


def test_a_domain_that_the_platform_wrote_in_capitals_is_not_taken_in_small_letters(hands: Hands) -> None:
    hands.db.emaildomains.insert_one({"domain": "Example.com", "owner": "other"})
    with pytest.raises(Refused, match="not available"):
        hands.add("first")
    assert hands.db.emaildomains.count_documents({}) == 1
