"""How often a running service has answered SNS with which word, as its /metrics tell."""

from collections.abc import Sequence

import requests
from prometheus_client.parser import text_string_to_metric_families

#: Seconds for connecting and for each piece of the answer.
PATIENCE = 5.0
_FAMILY, _SAMPLE = "sentinel_messages", "sentinel_messages_total"


class Outcomes:
    """Asks the first of these addresses that tells them."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = tuple(origins)

    def read(self) -> dict[str, int] | None:
        """Messages by outcome (`accepted`, `topic_not_allowed`) since the service began; None if nobody tells."""
        for origin in self._origins:
            told = _read(f"{origin.rstrip('/')}/metrics")
            if told is not None:
                return told
        return None


def _read(url: str) -> dict[str, int] | None:
    try:
        answer = requests.get(url, timeout=PATIENCE)
        families = list(text_string_to_metric_families(answer.text)) if answer.status_code == requests.codes.ok else []
    except (requests.RequestException, ValueError):
        return None
    samples = [sample for family in families if family.name == _FAMILY for sample in family.samples]
    known = any(family.name.startswith("sentinel_") for family in families)
    told = {one.labels.get("outcome", ""): int(one.value) for one in samples if one.name == _SAMPLE}
    return told if known else None
