"""A route of the API, declared once: what it takes, who may use it, what it answers; served and told of from that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Required, TypedDict, Unpack

from flask import Blueprint, Response, request

from webhook.domain.tokens import Scope
from webhook.web.api.body import BODY_MAX, read_body
from webhook.web.api.once import once
from webhook.web.auth import bearer, check_scope, check_token
from webhook.web.parameters import Parameter, parameters
from webhook.web.services import services

blueprint = Blueprint("api", __name__, url_prefix="/api")

View = Callable[..., Response]
WRITES = frozenset({"POST", "PATCH", "DELETE"})
#: Media types of answers that are no JSON, in place of their model.
TEXT, HTML = "text/plain", "text/html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route.

    `answers` has the model (or the media type, or None for no body) of each status that is no problem, `refusals` the
    codes of the problems that are its own. `scope` None: open to everybody. `of_all`: what it is about is everybody's.
    `tagged`: it deals in ETags. `body_max` is in bytes; `shown` is the body in the documentation, if it is read as
    something else.
    """

    method: str
    rule: str
    view: View
    tag: str
    scope: Scope | None
    answers: Mapping[int, Any]
    refusals: Mapping[int, str] = field(default_factory=dict)
    query: tuple[Parameter, ...] = ()
    body: Any = None
    shown: Any = None
    body_max: int = BODY_MAX
    of_all: bool = False
    tagged: bool = False
    asks_aws: bool = False

    @property
    def endpoint(self) -> str:
        """Its name on the application."""
        return f"{blueprint.name}.{self.view.__name__}"

    @property
    def writes(self) -> bool:
        """True if it changes something, and so takes an Idempotency-Key."""
        return self.method in WRITES and self.scope is not None


class Declared(TypedDict, total=False):
    """What is declared of an operation; see there."""

    tag: Required[str]
    scope: Required[Scope | None]
    answers: Required[Mapping[int, Any]]
    refusals: Mapping[int, str]
    query: tuple[Parameter, ...]
    body: Any
    shown: Any
    body_max: int
    of_all: bool
    tagged: bool
    asks_aws: bool


OPERATIONS: dict[str, Operation] = {}


def route(method: str, rule: str, **declared: Unpack[Declared]) -> Callable[[View], View]:
    """Declares a route; the view gets path parameters, query parameters that were given, and `body`, by name.

    What is declared is that of `Operation`. The first line of the view's docstring is the summary in the documentation,
    the rest the description.
    """

    def register(view: View) -> View:
        operation = Operation(method=method, rule=rule, view=view, **declared)
        OPERATIONS[operation.endpoint] = operation

        @wraps(view)
        def serve(**path: str) -> Response:
            return _serve(operation, path)

        blueprint.add_url_rule(rule, endpoint=view.__name__, view_func=serve, methods=[method])
        return view

    return register


@blueprint.before_request
def admit() -> Response | None:
    """Lets in who may use the route; OPTIONS needs a token only."""
    operation = OPERATIONS.get(request.endpoint or "")
    if operation is None or operation.scope is None:
        return None
    refused = check_token()
    if refused is None and request.method != "OPTIONS":
        check_scope(operation.scope, of_all=operation.of_all)
    return refused


def _serve(operation: Operation, path: Mapping[str, str]) -> Response:
    request.max_content_length = operation.body_max
    given: dict[str, Any] = dict(path) | parameters(operation.query)
    if operation.body is not None:
        given["body"] = read_body(operation.body)
    if "domain" in path and operation.scope is not None and bearer().owner is not None:
        # Here, so that no route can forget it; and before anything is done, so that no answer differs.
        services().library.domains.require(path["domain"], bearer().owner)
    return once(lambda: operation.view(**given)) if operation.writes else operation.view(**given)
