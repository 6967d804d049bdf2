"""The connection to SES, the only place that knows boto3."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

from webhook.adapters.ses.errors import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# Seconds for a connection and for an answer; what is cut off may have been done all the same. One attempt: a call that
# boto3 repeats by itself would have no slot of the limiter.
_BRIEFLY = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, max_pool_connections=20)


class Connection:
    """One client of SES's version 2 API, for all threads. What is None is left to boto3's own chain of sources."""

    def __init__(
        self, region: str | None, access_key_id: str | None, secret_access_key: str | None, endpoint_url: str | None
    ) -> None:
        core = botocore.session.Session()
        # Off EC2 nobody answers for the instance's role; one short try, or each first call would hang.
        core.set_config_variable("metadata_service_timeout", 1)
        core.set_config_variable("metadata_service_num_attempts", 1)
        with aws_errors("GetAccount"):
            session = boto3.Session(access_key_id, secret_access_key, region_name=region, botocore_session=core)
            self._client: SESV2Client = session.client("sesv2", endpoint_url=endpoint_url, config=_BRIEFLY)
        self.region: str = self._client.meta.region_name
        names = self._client.meta.method_to_api_mapping
        self._methods = {operation: method for method, operation in names.items()}

    def call(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Asks once, by the API's name of the operation; raises AwsError."""
        with aws_errors(operation):
            answer: Mapping[str, Any] = getattr(self._client, self._methods[operation])(**request)
        return answer

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()
