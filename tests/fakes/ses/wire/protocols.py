"""Which protocol a call is in, and the call and its answer in that protocol."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.ses.script import Failure
from tests.fakes.ses.wire import cbor, query, rest
from tests.fakes.ses.wire.asked import Asked, Received, Reply, Unreadable
from tests.fakes.ses.wire.model import service_model

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_RPC = re.compile(r"/service/(\w+)/operation/(\w+)")
#: boto3's names of services that sign by another name.
_NAMES = {
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
_REQUEST_ID = {"x-amzn-RequestId": "00000000-0000-4000-8000-000000000000"}


def read(received: Received) -> Asked:
    """What is asked, of whom and by whom; a call that is not signed is of SNS. Raises Unreadable."""
    signed = _CREDENTIAL.search(received.headers.get("Authorization", ""))
    key, region, scope = signed.groups() if signed else ("", "", "sns")
    path = urlsplit(received.target).path
    if scope == "ses" and path.startswith("/v2/"):
        return Asked("rest-json", "sesv2", region, *rest.read("sesv2", received), key)
    service = _NAMES.get(scope, scope)
    if rpc := _RPC.fullmatch(path):
        return Asked("cbor", service, region, rpc[2], cbor.read(received.body), key)
    if target := received.headers.get("X-Amz-Target"):
        return Asked("json", service, region, target.rpartition(".")[2], json.loads(received.body or b"{}"), key)
    return Asked("query", service, region, *_form(service, received), key)


def _form(service: str, received: Received) -> tuple[str, dict[str, Any]]:
    written = received.body.decode() if received.method == "POST" else urlsplit(received.target).query
    form = dict(parse_qsl(written, keep_blank_values=True))
    operation = form.get("Action", "")
    if operation not in service_model(service).operation_names:
        raise Unreadable(f"{received.method} {received.target} is no call of {service}")
    return operation, query.read(service, operation, form)


def write(asked: Asked, answer: dict[str, Any]) -> Reply:
    """The answer, in the words of the call's protocol; raises Misshapen."""
    match asked.protocol:
        case "rest-json":
            return _json(200, rest.write(asked.service, asked.operation, answer))
        case "query":
            return _xml(200, query.write(asked.service, asked.operation, answer))
        case "cbor":
            shape = service_model(asked.service).operation_model(asked.operation).output_shape
            return _cbor(200, cbor.write(answer, shape))
    version = service_model(asked.service).metadata["jsonVersion"]
    return _json(200, json.dumps(answer).encode(), f"application/x-amz-json-{version}")


def refuse(asked: Asked, failure: Failure) -> Reply:
    """The refusal, in the words of the call's protocol."""
    message = failure.told(asked.operation)
    told = json.dumps({"__type": failure.code, "message": message}).encode()
    by_query = {"x-amzn-query-error": f"{failure.code};Sender"}
    match asked.protocol:
        case "rest-json":
            body = json.dumps({"message": message}).encode()
            return _json(failure.status, body, headers={"x-amzn-ErrorType": failure.code})
        case "query":
            namespace = service_model(asked.service).metadata.get("xmlNamespace", "")
            return _xml(failure.status, query.refusal(failure.code, message, namespace))
        case "cbor":
            return _cbor(failure.status, cbor.write({"__type": failure.code, "message": message}), by_query)
    return _json(failure.status, told, headers=by_query if asked.service == "sqs" else {})


def _json(status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, body, {"Content-Type": kind, **_REQUEST_ID, **(headers or {})})


def _xml(status: int, body: bytes) -> Reply:
    return Reply(status, body, {"Content-Type": "text/xml", **_REQUEST_ID})


def _cbor(status: int, body: bytes, headers: dict[str, str] | None = None) -> Reply:
    kind = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return Reply(status, body, {**kind, **_REQUEST_ID, **(headers or {})})
