"""The domains that are registered here, all of them, by name."""

from webhook.adapters.mongo.client import Db, database_errors


class Registered:
    """Plays `examination.roles.Registered`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def domains(self) -> dict[str, bool]:
        """Each domain here, and whether it was registered with SES."""
        with database_errors():
            found = self._db.emaildomains.find({}, {"_id": 0, "domain": 1, "awsSes.registered": 1})
            return {one["domain"]: bool(one.get("awsSes", {}).get("registered")) for one in found if "domain" in one}

    def paused(self) -> frozenset[str]:
        """The domains that are kept from sending."""
        with database_errors():
            found = self._db.emaildomains.find({"paused": {"$type": "object"}}, {"_id": 0, "domain": 1})
            return frozenset(one["domain"] for one in found if "domain" in one)
