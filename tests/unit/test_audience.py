"""Whom the audience finds is whom the rule names, whatever was asked for."""

import random

from tests.alerting import endpoint
from webhook.domain.alert_payloads import AlertType
from webhook.domain.audience import Audience
from webhook.domain.endpoints import Kind, concerns, wants

OWNERS = (None, "acme", "other")
DOMAINS = (None, "a.example", "b.example", "c.example")
TYPES = (("*",), ("domain.*",), ("email.*",), ("email.bounced", "*"), ("quota.threshold_reached",), ("endpoint.*",))


def test_it_finds_exactly_those_who_want_an_alert() -> None:
    rng = random.Random(7)
    endpoints = [
        endpoint(
            f"ep_{number}",
            types=rng.choice(TYPES),
            owner=rng.choice(OWNERS),
            domains=tuple(rng.sample([domain for domain in DOMAINS if domain], rng.randrange(3))),
        )
        for number in range(300)
    ]
    audience = Audience(endpoints)
    for kind in AlertType:
        for domain in DOMAINS:
            for owner in OWNERS:
                expected = [one.id for one in endpoints if wants(one, kind, domain, owner)]
                found = audience.of(kind, domain, owner, {})
                assert len(found) == len(set(found))
                assert set(found) == set(expected), (kind, domain, owner)


def test_nobody_hears_of_himself() -> None:
    mailbox = endpoint("ep_mail", "mailto:ops@example.com", kind=Kind.EMAIL, types=("*", "email.*"))
    others = endpoint("ep_all", types=("*", "email.*"))
    audience = Audience([mailbox, others])
    for kind, data in (
        (AlertType.ENDPOINT_FAILING, {"endpoint": {"id": "ep_mail"}}),
        (AlertType.BOUNCED, {"recipient": "ops@example.com"}),
    ):
        assert concerns(mailbox, data)
        assert audience.of(kind, None, None, data) == ["ep_all"]
