"""DynamoDB: tables, queries and scans, an editor of items that overwrites nothing unseen, and PartiQL."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aws_api.core.errors import AwsError
from console.calls import Call, worded
from console.items import Item, NotAnItem, from_shape, plain_text, read_plain, read_wire, short_text, wire_text
from console.navigation import Group, Link
from console.pages.table_items import (
    OPERATORS,
    Search,
    TablePage,
    changing,
    columns_of,
    compact,
    creating,
    deleting,
    find,
    reading,
    table_page,
)
from console.scope import Scope, scope_of

TABLES_ON_A_PAGE = 25
STATEMENT_LIMIT = 100
_DONE = {
    "saved": "The item was saved.",
    "same": "Nothing was different, so nothing was written.",
    "created": "The item was created.",
    "deleted": "The item was deleted.",
}


@require_safe
def tables(request: HttpRequest) -> HttpResponse:
    """The scope's tables, a page at a time."""
    scope = scope_of(request.session)
    wanted: dict[str, Any] = {"Limit": TABLES_ON_A_PAGE}
    if after := request.GET.get("after", ""):
        wanted["ExclusiveStartTableName"] = after
    call = Call("dynamodb", "ListTables", wanted)
    try:
        answer = call.make(scope)
    except AwsError as error:
        raise Http404(error.message) from error
    context = {
        "tables": [shape for name in answer["TableNames"] if (shape := _described(scope, name))],
        "after": after,
        "next": answer.get("LastEvaluatedTableName", ""),
        "command": call.command,
    }
    return render(request, "console/tables/list.html", context)


@require_safe
def table(request: HttpRequest, name: str) -> HttpResponse:
    """A table, and what a query or scan of it finds: by default its first items."""
    scope = scope_of(request.session)
    shown = _table(scope, name)
    found, problem = None, ""
    try:
        found = find(scope, shown, Search(asked=request.GET))
    except NotAnItem as error:
        problem = str(error)
    except AwsError as error:
        problem = worded(error)
    following = {**request.GET.dict(), "start": found.next} if found and found.next else {}
    first = {name: value for name, value in request.GET.dict().items() if name != "start"}
    context = {
        "table": shown,
        "asked": request.GET,
        "values": request.GET.get("values", ""),  # a dictionary's own method, to a template
        "operators": OPERATORS,
        "found": found,
        "problem": problem,
        "done": _DONE.get(request.GET.get("done", ""), ""),
        "next_query": urlencode(following),
        "first_query": urlencode(first) if request.GET.get("start") else "",
        "command": Call("dynamodb", "DescribeTable", {"TableName": name}).command,
    }
    return render(request, "console/tables/table.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def item(request: HttpRequest, name: str) -> HttpResponse:
    """An item in an editor; posted, it is saved where it is still what was shown."""
    scope = scope_of(request.session)
    shown = _table(scope, name)
    if request.method == "POST":
        return _save(request, scope, shown)
    try:
        call = reading(shown, read_wire(request.GET.get("key", "{}")))
        answer = call.make(scope)
    except (NotAnItem, AwsError) as error:
        raise Http404(worded(error) if isinstance(error, AwsError) else str(error)) from error
    if "Item" not in answer:
        raise Http404(f"The table {name} has no item of this key.")
    before = from_shape(answer["Item"])
    is_wire = request.GET.get("format") == "dynamodb"
    text = wire_text(before) if is_wire else plain_text(before)
    done = _DONE.get(request.GET.get("done", ""), "")
    return _editor(request, shown, text=text, is_wire=is_wire, before=before, done=done, command=call.command)


@require_http_methods(["GET", "HEAD", "POST"])
def new_item(request: HttpRequest, name: str) -> HttpResponse:
    """An editor for an item that is not there yet."""
    scope = scope_of(request.session)
    shown = _table(scope, name)
    if request.method != "POST":
        begun: Item = {key: {kind: "1" if kind == "N" else ""} for key in shown.keys if (kind := shown.types[key])}
        is_wire = request.GET.get("format") == "dynamodb"
        return _editor(request, shown, text=wire_text(begun) if is_wire else plain_text(begun), is_wire=is_wire)
    text, is_wire = request.POST.get("text", ""), request.POST.get("format") == "dynamodb"
    try:
        # A key's type is the table's, whatever it looks like.
        wanted = read_wire(text) if is_wire else read_plain(text, {key: {shown.types[key]: ""} for key in shown.keys})
        creating(shown, wanted).make(scope)
    except (NotAnItem, AwsError) as error:
        problem = _refused(error, "There is an item of this key already.")
        return _editor(request, shown, text=text, is_wire=is_wire, problem=problem, status=400)
    return redirect(_item_url(shown, wanted, "created"))


@require_POST
def delete_item(request: HttpRequest, name: str) -> HttpResponse:
    """Delete an item where it is still what was shown."""
    scope = scope_of(request.session)
    shown = _table(scope, name)
    try:
        before = read_wire(request.POST.get("before", ""))
        deleting(shown, before).make(scope)
    except NotAnItem as error:
        raise Http404(str(error)) from error
    except AwsError as error:
        now = _item_in(error)
        problem = _refused(error, "The item is no longer what was shown: somebody changed or deleted it.")
        return _editor(
            request, shown, text=plain_text(before), is_wire=False, before=before, now=now, problem=problem, status=400
        )
    return redirect(f"{reverse('table', args=[name])}?done=deleted")


@require_http_methods(["GET", "HEAD", "POST"])
def partiql(request: HttpRequest) -> HttpResponse:
    """A box for a PartiQL statement, and what it came to."""
    scope = scope_of(request.session)
    statement = request.POST.get("statement") or request.GET.get("statement", "")
    context: dict[str, Any] = {"statement": statement}
    status = 200
    if request.method == "POST":
        wanted: dict[str, Any] = {"Statement": statement, "Limit": STATEMENT_LIMIT, "ReturnConsumedCapacity": "TOTAL"}
        if token := request.POST.get("token", ""):
            wanted["NextToken"] = token
        call = Call("dynamodb", "ExecuteStatement", wanted)
        try:
            context |= _outcome(call.make(scope)) | {"command": call.command}
        except AwsError as error:
            context["problem"], status = worded(error), 400
    return render(request, "console/tables/partiql.html", context, status=status)


def _save(request: HttpRequest, scope: Scope, shown: TablePage) -> HttpResponse:
    text, is_wire = request.POST.get("text", ""), request.POST.get("format") == "dynamodb"
    try:
        before = read_wire(request.POST.get("before", ""))
    except NotAnItem as error:
        raise Http404(str(error)) from error
    try:
        wanted = read_wire(text) if is_wire else read_plain(text, before)
        call = changing(shown, before, wanted)
        if call is not None:
            call.make(scope)
    except (NotAnItem, AwsError) as error:
        now = _item_in(error)
        problem = _refused(error, "Somebody changed or deleted the item since it was shown. What you wrote is kept.")
        return _editor(request, shown, text=text, is_wire=is_wire, before=before, now=now, problem=problem, status=400)
    return redirect(_item_url(shown, wanted, "saved" if call else "same", is_wire=is_wire))


def _editor(
    request: HttpRequest,
    shown: TablePage,
    *,
    text: str,
    is_wire: bool,
    before: Item | None = None,
    now: Item | None = None,
    problem: str = "",
    done: str = "",
    command: str = "",
    status: int = 200,
) -> HttpResponse:
    """The editor. ``before`` is the item as it was shown, ``now`` as it is, where that is known to be another."""
    context = {
        "table": shown,
        "text": text,
        "is_wire": is_wire,
        "before": compact(before) if before is not None else "",
        "key": compact(shown.key_of(before)) if before is not None else "",
        "title": ", ".join(short_text(value) for value in shown.key_of(before).values()) if before else "New item",
        "now": compact(now) if now is not None else "",
        "now_text": (wire_text(now) if is_wire else plain_text(now)) if now is not None else "",
        "problem": problem,
        "done": done,
        "command": command,
    }
    return render(request, "console/tables/item.html", context, status=status)


def _outcome(answer: Mapping[str, Any]) -> dict[str, Any]:
    items = [from_shape(found) for found in answer.get("Items", ())]
    columns = columns_of(items)
    return {
        "columns": columns,
        "rows": [[short_text(found[name]) if name in found else "" for name in columns] for found in items],
        "capacity": answer.get("ConsumedCapacity", {}).get("CapacityUnits"),
        "next": answer.get("NextToken", ""),
        "ran": True,
    }


def _refused(error: Exception, conflict: str) -> str:
    if not isinstance(error, AwsError):
        return str(error)
    return f"{conflict} ({worded(error)})" if error.code == "ConditionalCheckFailedException" else worded(error)


def _item_in(error: Exception) -> dict[str, Any] | None:
    """The item as it is, where a failed condition tells."""
    found = error.members.get("Item") if isinstance(error, AwsError) else None
    return from_shape(found) if found else None


def _item_url(shown: TablePage, item: Item, done: str, *, is_wire: bool = False) -> str:
    query = {"key": compact(shown.key_of(item)), "done": done} | ({"format": "dynamodb"} if is_wire else {})
    return f"{reverse('item', args=[shown.name])}?{urlencode(query)}"


def _table(scope: Scope, name: str) -> TablePage:
    try:
        return table_page(scope, name)
    except AwsError as error:
        raise Http404(error.message) from error


def _described(scope: Scope, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = scope.call("dynamodb", "DescribeTable", TableName=name)["Table"]
    except AwsError:
        return None  # deleted since it was listed
    return found


urlpatterns = [
    path("tables/", tables, name="tables"),
    path("tables/<str:name>/", table, name="table"),
    path("tables/<str:name>/item", item, name="item"),
    path("tables/<str:name>/new", new_item, name="new-item"),
    path("tables/<str:name>/delete-item", delete_item, name="delete-item"),
    path("partiql/", partiql, name="partiql"),
]
NAVIGATION = [
    Link(group=Group.DATA, title="Tables", url_name="tables", order=10),
    Link(group=Group.DATA, title="PartiQL", url_name="partiql", order=11),
]
