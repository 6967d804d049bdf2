"""Configuration sets and where they send their events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors
from tests.fakes.ses.paging import page
from webhook.emulator.notices import TOPIC_VALIDATED

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
MOST_DESTINATIONS = 10
#: What a set may be given beside its name, and what it is where nothing is given.
_OPTIONS: dict[str, Answer | None] = {
    "ReputationOptions": {"ReputationMetricsEnabled": False},
    "SendingOptions": {"SendingEnabled": True},
    "TrackingOptions": None,
    "DeliveryOptions": None,
    "SuppressionOptions": None,
    "VdmOptions": None,
    "ArchivingOptions": None,
}


@dataclass
class FakeSet:
    """One configuration set: its options as the API words them, and its event destinations by name."""

    name: str
    options: dict[str, Answer] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    destinations: dict[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, usual in _OPTIONS.items():
            if usual is not None:
                self.options[name] = {**usual, **self.options.get(name, {})}

    @property
    def sending(self) -> bool:
        return bool(self.options["SendingOptions"]["SendingEnabled"])

    def topics(self, event_type: str) -> list[str]:
        """The topics that hear of such an event: `BOUNCE`."""
        return [
            one["SnsDestination"]["TopicArn"]
            for one in self.destinations.values()
            if one.get("Enabled") and "SnsDestination" in one and event_type in one["MatchingEventTypes"]
        ]

    def told(self) -> Answer:
        return {"ConfigurationSetName": self.name, "Tags": self.tags, **self.options}


def create_set(state: State, asked: Answer) -> Answer:
    name = asked["ConfigurationSetName"]
    if name in state.sets:
        raise errors.already_exists(f"Configuration set <{name}>")
    options = {option: asked[option] for option in _OPTIONS if option in asked}
    state.sets[name] = FakeSet(name, options, list(asked.get("Tags") or []))
    return {}


def get_set(state: State, asked: Answer) -> Answer:
    return state.configuration_set(asked["ConfigurationSetName"]).told()


def delete_set(state: State, asked: Answer) -> Answer:
    name = asked["ConfigurationSetName"]
    state.configuration_set(name)
    if any(f":configuration-set/{name}" in tenant.resources for tenant in state.tenants.values()):
        raise errors.bad_request(f"Configuration set <{name}> is associated with a tenant.")
    del state.sets[name]
    return {}


def list_sets(state: State, asked: Answer) -> Answer:
    names, more = page(sorted(state.sets), asked)
    return {"ConfigurationSets": names, **more}


def _put(option: str) -> Callable[[State, Answer], Answer]:
    """Sets one option of a set; its members stand in the request as they are."""

    def put(state: State, asked: Answer) -> Answer:
        given = {name: value for name, value in asked.items() if name != "ConfigurationSetName"}
        state.configuration_set(asked["ConfigurationSetName"]).options[option] = given
        return {}

    return put


def create_destination(state: State, asked: Answer) -> Answer:
    held = state.configuration_set(asked["ConfigurationSetName"])
    name = asked["EventDestinationName"]
    if name in held.destinations:
        raise errors.already_exists(f"Event destination <{name}>")
    if len(held.destinations) >= MOST_DESTINATIONS:
        raise errors.limit_exceeded(f"Configuration set <{held.name}> has {MOST_DESTINATIONS} event destinations.")
    wanted = {"Enabled": False, **asked["EventDestination"]}
    _require_place(state, held, wanted)
    held.destinations[name] = wanted
    return {}


def get_destinations(state: State, asked: Answer) -> Answer:
    held = state.configuration_set(asked["ConfigurationSetName"])
    return {"EventDestinations": [{"Name": name, **one} for name, one in held.destinations.items()]}


def update_destination(state: State, asked: Answer) -> Answer:
    held = state.configuration_set(asked["ConfigurationSetName"])
    name = _known(held, asked)
    wanted = {**held.destinations[name], **asked["EventDestination"]}
    _require_place(state, held, wanted)
    held.destinations[name] = wanted
    return {}


def delete_destination(state: State, asked: Answer) -> Answer:
    held = state.configuration_set(asked["ConfigurationSetName"])
    del held.destinations[_known(held, asked)]
    return {}


def _known(held: FakeSet, asked: Answer) -> str:
    name = asked["EventDestinationName"]
    if name not in held.destinations:
        raise errors.not_found(f"Event destination <{name}>")
    return str(name)


def _require_place(state: State, held: FakeSet, wanted: Answer) -> None:
    """There must be events to send and one place to send them to; a topic must let SES publish, and hears of it."""
    if not wanted.get("MatchingEventTypes"):
        raise errors.bad_request("MatchingEventTypes must not be empty.")
    if sum(name.endswith("Destination") for name in wanted) != 1:
        raise errors.bad_request("Exactly one destination must be given.")
    if (topic := wanted.get("SnsDestination", {}).get("TopicArn")) and state.topics:
        arn = f"{state.arn}:configuration-set/{held.name}"
        if why := state.topics.refusal(topic, arn):
            raise errors.bad_request(why)
        state.topics.publish(topic, TOPIC_VALIDATED, None, arn)


SET_OPERATIONS: dict[str, Callable[[State, Answer], Answer]] = {
    "CreateConfigurationSet": create_set,
    "GetConfigurationSet": get_set,
    "DeleteConfigurationSet": delete_set,
    "ListConfigurationSets": list_sets,
    "PutConfigurationSetSendingOptions": _put("SendingOptions"),
    "PutConfigurationSetReputationOptions": _put("ReputationOptions"),
    "PutConfigurationSetTrackingOptions": _put("TrackingOptions"),
    "PutConfigurationSetDeliveryOptions": _put("DeliveryOptions"),
    "PutConfigurationSetSuppressionOptions": _put("SuppressionOptions"),
    "CreateConfigurationSetEventDestination": create_destination,
    "GetConfigurationSetEventDestinations": get_destinations,
    "UpdateConfigurationSetEventDestination": update_destination,
    "DeleteConfigurationSetEventDestination": delete_destination,
}
