"""What a page says once, after a form was sent: kept in the session until a page is shown."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from aws_api.core.errors import AwsError

SESSION_KEY = "notice"
MAX_CHARACTERS = 1000


def say(request: HttpRequest, text: str, *, is_bad: bool = False) -> None:
    """Say a text at the head of the next page."""
    request.session[SESSION_KEY] = (text[:MAX_CHARACTERS], is_bad)


def take(request: HttpRequest) -> dict[str, Any] | None:
    """What is to be said now, and no more after that."""
    found = request.session.pop(SESSION_KEY, None)
    return {"text": found[0], "is_bad": found[1]} if found else None


def attempted(request: HttpRequest, work: Callable[[], object], done: str, back: str, *arguments: Any) -> HttpResponse:
    """Do something and go to a page (a URL's name and its arguments) that says that it is done, or AWS's error."""
    try:
        work()
    except AwsError as error:
        say(request, f"{error.code}: {error.message}", is_bad=True)
    else:
        say(request, done)
    return redirect(back, *arguments)
