"""A connection to one service of AWS, the only place of these that knows boto3."""

from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from webhook.amazon.access import Access
from webhook.amazon.errors import aws_errors

#: Seconds for a connection and for an answer; what is cut off may have been done all the same. One attempt: a call that
#: boto3 repeats by itself would have no slot of the limiter.
CONNECT, READ = 2, 5
#: Receiving from a queue waits for news up to 20 seconds.
READ_QUEUE = 30


def open_session() -> botocore.session.Session:
    """What the connections share: reading AWS's descriptions and finding credentials takes longest."""
    session = botocore.session.Session()
    # Off EC2 nobody answers for the instance's role; one short try, or each first call would hang.
    session.set_config_variable("metadata_service_timeout", 1)
    session.set_config_variable("metadata_service_num_attempts", 1)
    return session


class Connection:
    """One client of one service, for all threads. To be made by one thread at a time."""

    def __init__(self, session: botocore.session.Session, service: str, access: Access, region: str | None) -> None:
        config = Config(
            connect_timeout=CONNECT,
            read_timeout=READ_QUEUE if service == "sqs" else READ,
            retries={"total_max_attempts": 1},
            max_pool_connections=20,
        )
        self._service = service
        with aws_errors(service, "GetAccount"):
            make: Any = boto3.Session(
                access.access_key_id, access.secret_access_key, region_name=region, botocore_session=session
            ).client
            self._client: Any = make(service, endpoint_url=access.endpoint_url, config=config)
        self.region: str = self._client.meta.region_name
        names = self._client.meta.method_to_api_mapping
        self._methods: dict[str, str] = {operation: method for method, operation in names.items()}

    def call(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Asks once, by the API's name of the operation; raises AwsError."""
        with aws_errors(self._service, operation):
            answer: Mapping[str, Any] = getattr(self._client, self._methods[operation])(**request)
        return answer

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()
