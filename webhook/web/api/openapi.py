"""The OpenAPI document, made from the declared routes by SpecTree.

SpecTree documents only. It would answer what is wrong by itself, and not as problem details; it would read a broken
body as an empty one, and none at all with DELETE. So parameters and bodies are read by `parameters` and `read_body`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, UnsetType, defstruct
from spectree import Response, SecurityScheme, SecuritySchemeData, SpecTree, get_msgspec_model_adapter
from spectree.models import SecureType
from spectree.plugins.flask_plugin import FlaskPlugin

from webhook import __version__
from webhook.web.api import replies
from webhook.web.api.operation import HTML, TEXT, Operation, blueprint
from webhook.web.errors import PROBLEM

_BEARER = "bearer"
_ABOUT = (
    "Registers sending domains with Amazon SES, follows their verification, judges their bounces and complaints, and "
    "sends their mail. Errors are problem details (RFC 9457) with a `code` for programs and a `hint` for people."
)
_ALWAYS = {
    500: "Our mistake; it was logged.",
    503: "Something this needs does not answer; `Retry-After` says when to come again.",
}
_GUARDED = {
    401: "No token, or not one we know: `token_missing`, `token_unknown`, `no_tokens`.",
    403: "The token may not do that: `scope_missing`, `owner_bound`.",
    429: "Too much at once, such as too many wrong tokens; `Retry-After` says when to come again.",
}
_BODY = {415: "The body does not say that it is JSON."}
_WRITES = {
    409: "The state does not allow it: `conflict`, `idempotency_in_progress`, `idempotency_answer_not_kept`.",
    413: "The body is too large.",
    422: "The Idempotency-Key was used for another request: `idempotency_key_reused`.",
}
#: What stands in a path, and an example of it.
_PATHS = {
    "domain": ("The domain's name.", "example.com"),
    "identity": ("The id.", "0f4d2a6c8e1b3d5f7a9c0e2b4d6f8a1c"),
    "mail_id": ("SES's id of the mail.", "010f018e2d9c3a4b-5c6d7e8f-0000-4000-8000-1a2b3c4d5e6f-000000"),
}

_Path = Callable[..., Any]


class Routes(FlaskPlugin):
    """Has SpecTree document the declared routes, wherever they are served."""

    operations: Mapping[str, tuple[Operation, _Path]]

    def find_routes(self) -> Iterator[str]:
        """The endpoints."""
        yield from self.operations

    def parse_func(self, route: str) -> Iterator[tuple[str, _Path]]:
        """The method of an endpoint and what is documented of it."""
        operation, documented = self.operations[route]
        yield operation.method, documented

    def parse_path(self, route: object, path_parameter_descriptions: Mapping[str, str] | None) -> tuple[str, list[Any]]:
        """The path as OpenAPI writes it, and its parameters."""
        rule = f"{blueprint.url_prefix}{self.operations[str(route)][0].rule}"
        path, parameters = super().parse_path(rule, path_parameter_descriptions)  # type: ignore[arg-type]
        return path, parameters


def made_of(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document of these routes."""
    tree = SpecTree(
        backend=Routes,
        model_adapter=get_msgspec_model_adapter(),
        naming_strategy=_named,
        nested_naming_strategy=lambda _parent, child: child,
        validation_error_status=400,
        validation_error_model=replies.Problem,
        annotations=False,
        title="SES Sentinel",
        description=_ABOUT,
        version=__version__,
        security_schemes=[SecurityScheme(name=_BEARER, data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    )
    declared = list(operations)
    routes = cast(Routes, tree.backend)
    routes.operations = {one.endpoint: (one, _documented(tree, one)) for one in declared}
    found: dict[str, Any] = tree.spec
    for operation in declared:
        _finish(found["paths"][_path(operation)][operation.method.lower()], operation)
    return found


def _path(operation: Operation) -> str:
    return f"{blueprint.url_prefix}{operation.rule}".replace("<", "{").replace(">", "}")


def _named(model: object) -> str:
    return str(getattr(model, "__name__", None) or model)


def _documented(tree: SpecTree, operation: Operation) -> _Path:
    """The view, with what SpecTree is to say of it."""
    name = operation.view.__name__
    query = [(one.name, one.type | UnsetType, UNSET) for one in operation.query]
    headers = _headers(operation)
    statuses = {f"HTTP_{status}": model for status, model in _statuses(operation).items()}
    declare = tree.validate(
        query=defstruct(f"{name}_query", query) if query else None,
        headers=defstruct(f"{name}_headers", headers, rename=_HEADER_NAMES) if headers else None,
        json=operation.shown or operation.body,
        resp=Response(**statuses),
        tags=[operation.tag],
        security={_BEARER: []} if operation.scope else [],
        path_parameter_descriptions={name: about for name, (about, _) in _PATHS.items()},
        operation_id=name,
        skip_validation=True,
    )

    def view() -> None: ...

    view.__name__, view.__doc__ = name, operation.view.__doc__
    documented: _Path = declare(view)
    return documented


_HEADER_NAMES = {
    "idempotency_key": "Idempotency-Key",
    "if_match": "If-Match",
    "if_none_match": "If-None-Match",
}
_KEY = Meta(description="Has a repeated request done once.", max_length=255, pattern="^[ -~]+$")
_MATCH = Meta(
    description="An ETag: change it only if it is still that.", examples=['"5d41402abc4b2a76b9719d911017c592"']
)
_NONE_MATCH = Meta(description="An ETag that you have: 304 if it is still that.")


def _headers(operation: Operation) -> list[tuple[str, Any, Any]]:
    found = []
    if operation.writes:
        found.append(("idempotency_key", Annotated[str, _KEY] | UnsetType, UNSET))
    if operation.tagged:
        name, told = ("if_match", _MATCH) if operation.writes else ("if_none_match", _NONE_MATCH)
        found.append((name, Annotated[str, told] | UnsetType, UNSET))
    return found


def _statuses(operation: Operation) -> dict[int, Any]:
    """Every status that a route may answer, with its model and what it means."""
    told = {400: "A parameter or a field is wrong, and named: `bad_parameter`, `unknown_parameter`."} | _ALWAYS
    told |= _GUARDED if operation.scope else {}
    told |= {404: "There is no such thing, or it is another owner's: `not_found`."} if "<" in operation.rule else {}
    told |= _BODY if operation.body else {}
    told |= _WRITES if operation.writes else {}
    told |= {502: "AWS refuses it, and somebody has to act: `aws_…`."} if operation.asks_aws else {}
    for status, codes in operation.refusals.items():
        before = f"{told[status].removesuffix('.')}, " if status in told else "Not done: "
        told[status] = f"{before}`{codes.replace(', ', '`, `')}`."
    found: dict[int, Any] = {status: (replies.Problem, text) for status, text in told.items()}
    for status, model in operation.answers.items():
        found[status] = model if isinstance(model, type) else None
    return dict(sorted(found.items()))


def _finish(told: dict[str, Any], operation: Operation) -> None:
    """What SpecTree has no words for: examples in paths, media types other than JSON, headers of answers, scopes."""
    for parameter in told["parameters"]:
        if parameter["in"] == "path":
            parameter["example"] = _PATHS[parameter["name"]][1]
    for status, response in told["responses"].items():
        if int(status) >= HTTPStatus.BAD_REQUEST:
            response["content"] = {PROBLEM: response["content"].pop("application/json")}
        response.setdefault("headers", {}).update(_answer_headers(int(status), operation))
    for status, media in operation.answers.items():
        if media in (TEXT, HTML):
            told["responses"][str(status)]["content"] = {media: {"schema": {"type": "string"}}}
    if operation.scope:
        told["description"] = f"{told['description']}\n\nScope: `{operation.scope}`.".strip()


def _answer_headers(status: int, operation: Operation) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    found: dict[str, Any] = {}
    if status in (429, 503):
        found["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
    if status == HTTPStatus.UNAUTHORIZED:
        found["WWW-Authenticate"] = text
    if operation.tagged and status in (200, 304):
        found["ETag"] = text
    if operation.writes and status < HTTPStatus.BAD_REQUEST:
        found["Idempotency-Replayed"] = {"description": "`true` if this was answered before.", **text}
    return found
