"""How AWS is reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Access:
    """How AWS is reached; what is None is left to boto3's own chain of sources."""

    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None
