"""SQS: queues and what lies in them, seen without receiving; sending, purging, redriving and deleting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.arns import Arn
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_on_loop
from aws_api.services.sqs.peeking import BEGINNING, PeekedMessage, Place, peek, peek_at
from console.calls import Call, worded
from console.navigation import Group, Link
from console.plots import Line, Plot
from console.scope import Scope, scope_of

QUEUES_ON_A_PAGE = 25
MESSAGES_ON_A_PAGE = 50
MOVE_TASKS = 10
SOURCES = 100
DEPTH_SPAN_S = 600
#: The attributes that say how much is in a queue, by what people call them.
DEPTHS = {
    "visible": "ApproximateNumberOfMessages",
    "in flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}
_DONE = {
    "sent": "The message was sent.",
    "purged": "The queue is empty.",
    "redrive": "The redrive has begun.",
    "cancelled": "The redrive ends after what it moves now.",
}


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A queue in a list."""

    name: str
    depths: Mapping[str, int]
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """What a queue's page shows of the queue itself."""

    name: str
    url: str
    attributes: Mapping[str, str]
    depths: Mapping[str, int]
    #: The dead-letter queue's name and how often a message may be received, where there is one.
    dead_letter_queue: str
    max_receive_count: int
    #: The names of the queues that this one is the dead-letter queue of.
    sources: list[str]
    moves: list[Mapping[str, Any]]

    @property
    def is_fifo(self) -> bool:
        return self.name.endswith(".fifo")

    @property
    def arn(self) -> str:
        return self.attributes["QueueArn"]

    @property
    def running_move(self) -> Mapping[str, Any] | None:
        return next((move for move in self.moves if move["Status"] == "RUNNING"), None)


@dataclass(frozen=True, kw_only=True)
class Peeked:
    """A page of messages; ``next`` is where the next page begins, empty at the end."""

    messages: list[PeekedMessage]
    after: str
    next: str


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """The scope's queues with how much is in each, a page at a time."""
    return render(request, "console/queues/list.html", queues_context(scope_of(request.session), request.GET))


@require_safe
def queue(request: HttpRequest, name: str) -> HttpResponse:
    """A queue, and a page of what is in it."""
    return _shown(request, name, done=_DONE.get(request.GET.get("done", ""), ""))


@require_safe
def message(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One message whole, as it lies in the queue."""
    scope = scope_of(request.session)
    try:
        found = run_on_loop(peek_at(scope.context, _url(scope, name), number))
    except AwsError as error:
        raise Http404(error.message) from error
    if found is None:
        raise Http404("The message is no longer in the queue: it was received and deleted, moved, or has expired.")
    return render(request, "console/queues/message.html", {"name": name, "message": found})


@require_POST
def send(request: HttpRequest, name: str) -> HttpResponse:
    """Send a message; refused, the page shows why and keeps what was typed."""
    try:
        wanted = _message_of(request.POST)
    except ValueError as error:
        return _shown(request, name, problem=str(error), typed=request.POST, status=400)
    return _act(request, name, "SendMessage", wanted, done="sent", typed=request.POST)


@require_POST
def purge(request: HttpRequest, name: str) -> HttpResponse:
    """Delete all of a queue's messages."""
    return _act(request, name, "PurgeQueue", {}, done="purged")


@require_POST
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a queue."""
    scope = scope_of(request.session)
    try:
        Call("sqs", "DeleteQueue", {"QueueUrl": _url(scope, name)}).make(scope)
    except AwsError as error:
        return _shown(request, name, problem=worded(error), status=400)
    return redirect("queues")


@require_POST
def redrive(request: HttpRequest, name: str) -> HttpResponse:
    """Begin to move a dead-letter queue's messages back, or to the queue that is named."""
    scope = scope_of(request.session)
    wanted: dict[str, Any] = {"SourceArn": _arn(scope, name)}
    if destination := request.POST.get("destination", "").strip():
        wanted["DestinationArn"] = destination if destination.startswith("arn:") else _arn(scope, destination)
    if (rate := request.POST.get("rate", "").strip()).isdecimal():
        wanted["MaxNumberOfMessagesPerSecond"] = int(rate)
    return _act(request, name, "StartMessageMoveTask", wanted, done="redrive", typed=request.POST)


@require_POST
def cancel_redrive(request: HttpRequest, name: str) -> HttpResponse:
    """Stop a redrive."""
    wanted = {"TaskHandle": request.POST.get("handle", "")}
    return _act(request, name, "CancelMessageMoveTask", wanted, done="cancelled")


def queues_context(scope: Scope, asked: Mapping[str, str]) -> dict[str, Any]:
    """A page of queues whose names begin as asked; beyond the first page there is a token."""
    wanted: dict[str, Any] = {"MaxResults": QUEUES_ON_A_PAGE}
    if prefix := asked.get("q", ""):
        wanted["QueueNamePrefix"] = prefix
    call = Call("sqs", "ListQueues", wanted)
    token = asked.get("marker", "")
    try:
        listed = Call("sqs", "ListQueues", {**wanted, "NextToken": token} if token else wanted).make(scope)
    except AwsError as error:
        return {"queues": [], "problem": worded(error), "words": prefix, "command": call.command}
    rows = [_row(scope, url) for url in listed.get("QueueUrls", ())]
    return {
        "queues": [row for row in rows if row is not None],
        "words": prefix,
        "token": token,
        "next": listed.get("NextToken", ""),
        "command": call.command,
    }


def queue_page(scope: Scope, name: str) -> QueuePage:
    """What the page shows. Raises AwsError where there is no such queue."""
    url = _url(scope, name)
    attributes = _attributes(scope, url)
    policy = orjson.loads(attributes.get("RedrivePolicy", "{}"))
    sources = scope.call("sqs", "ListDeadLetterSourceQueues", QueueUrl=url, MaxResults=SOURCES)["queueUrls"]
    moves = scope.call("sqs", "ListMessageMoveTasks", SourceArn=attributes["QueueArn"], MaxResults=MOVE_TASKS)
    return QueuePage(
        name=name,
        url=url,
        attributes=attributes,
        depths=_depths(attributes),
        dead_letter_queue=policy.get("deadLetterTargetArn", "").rpartition(":")[2],
        max_receive_count=int(policy.get("maxReceiveCount", 0)),
        sources=[source.rpartition("/")[2] for source in sources],
        moves=[_with_name(move) for move in moves["Results"]],
    )


def peeked(scope: Scope, name: str, after: str) -> Peeked:
    """A page of messages beyond a place that an earlier page told. Raises AwsError."""
    found = run_on_loop(
        peek(scope.context, _url(scope, name), after=_place(after), limit=MESSAGES_ON_A_PAGE + 1),
    )
    shown = found[:MESSAGES_ON_A_PAGE]
    following = "-".join(map(str, shown[-1].place)) if len(found) > MESSAGES_ON_A_PAGE else ""
    return Peeked(messages=shown, after=after, next=following)


def depth_plot(name: str) -> Plot:
    """The plot that a live page fills."""
    lines = [Line(name=line) for line in DEPTHS]
    title = f"Messages in {name}"
    return Plot(id="depth", title=title, unit="", lines=lines, shape="steps", span_s=DEPTH_SPAN_S)


def _shown(
    request: HttpRequest,
    name: str,
    *,
    done: str = "",
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    scope = scope_of(request.session)
    try:
        page, messages = queue_page(scope, name), peeked(scope, name, request.GET.get("after", ""))
    except AwsError as error:
        raise Http404(error.message) from error
    context = {
        "page": page,
        "peeked": messages,
        "plot": depth_plot(name),
        "done": done,
        "problem": problem,
        "typed": typed or {},
        "command": Call("sqs", "GetQueueAttributes", {"QueueUrl": page.url, "AttributeNames": ["All"]}).command,
    }
    return render(request, "console/queues/queue.html", context, status=status)


def _act(
    request: HttpRequest,
    name: str,
    operation: str,
    wanted: Mapping[str, Any],
    *,
    done: str,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    scope = scope_of(request.session)
    on_queue = {"SendMessage", "PurgeQueue"}
    asked = {"QueueUrl": _url(scope, name), **wanted} if operation in on_queue else wanted
    try:
        Call("sqs", operation, asked).make(scope)
    except AwsError as error:
        return _shown(request, name, problem=worded(error), typed=typed, status=400)
    return redirect(f"{request.path.removesuffix(request.path.rpartition('/')[2])}?done={done}")


def _message_of(posted: Mapping[str, str]) -> dict[str, Any]:
    """SendMessage's members, but for the queue. Raises ValueError for attributes that are none."""
    wanted: dict[str, Any] = {"MessageBody": posted.get("body", "")}
    if delay := posted.get("delay", "").strip():
        if not delay.isdecimal():
            raise ValueError(f"The delay is a number of seconds, not {delay!r}.")
        wanted["DelaySeconds"] = int(delay)
    if attributes := posted.get("attributes", "").strip():
        wanted["MessageAttributes"] = _attributes_of(attributes)
    for member, name in (("MessageGroupId", "group"), ("MessageDeduplicationId", "deduplication")):
        if value := posted.get(name, "").strip():
            wanted[member] = value
    return wanted


def _attributes_of(text: str) -> dict[str, Any]:
    """``{"tenant": "a", "tries": 3}``, or values as SQS has them: ``{"DataType": ..., "StringValue": ...}``."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"The attributes are no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValueError('The attributes are a JSON object: {"tenant": "a", "tries": 3}.')
    return {name: _attribute(name, value) for name, value in given.items()}


def _attribute(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"DataType": "Number", "StringValue": str(value)}
    if isinstance(value, dict):
        return value
    raise ValueError(f"The attribute {name} is neither a text, nor a number, nor an object with DataType.")


def _row(scope: Scope, url: str) -> QueueRow | None:
    try:
        attributes = _attributes(scope, url)
    except AwsError:
        return None  # deleted since it was listed
    return QueueRow(name=url.rpartition("/")[2], depths=_depths(attributes), attributes=attributes)


def _attributes(scope: Scope, url: str) -> Mapping[str, str]:
    answer = scope.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    found: Mapping[str, str] = answer["Attributes"]
    return found


def _depths(attributes: Mapping[str, str]) -> dict[str, int]:
    return {name: int(attributes[member]) for name, member in DEPTHS.items()}


def _with_name(move: Mapping[str, Any]) -> Mapping[str, Any]:
    destination = move.get("DestinationArn", "").rpartition(":")[2]
    return {**move, "destination": destination}


def _url(scope: Scope, name: str) -> str:
    return f"{scope.context.endpoint}/{scope.account_id}/{name}"


def _arn(scope: Scope, name: str) -> str:
    return str(Arn("sqs", scope.region, scope.account_id, name))


def _place(text: str) -> Place:
    """The place that ``after=`` names; whatever else is written there is the beginning."""
    visible_at, _, number = text.partition("-")
    if visible_at.isdecimal() and number.isdecimal() and max(len(visible_at), len(number)) < 19:
        return int(visible_at), int(number)
    return BEGINNING


urlpatterns = [
    path("queues/", queues, name="queues"),
    path("queues/<str:name>/", queue, name="queue"),
    path("queues/<str:name>/messages/<int:number>", message, name="queue-message"),
    path("queues/<str:name>/send", send, name="send-message"),
    path("queues/<str:name>/purge", purge, name="purge-queue"),
    path("queues/<str:name>/delete", delete, name="delete-queue"),
    path("queues/<str:name>/redrive", redrive, name="redrive-queue"),
    path("queues/<str:name>/cancel-redrive", cancel_redrive, name="cancel-redrive"),
]
NAVIGATION = [Link(group=Group.DATA, title="Queues", url_name="queues", order=0)]
