"""What is not there: a page for people, ``{"error": ...}`` below /_simfra/."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 with the reason that a view gave."""
    reason = f"Nothing is at {request.path}." if isinstance(exception, Resolver404) else str(exception)
    if request.path.startswith("/_simfra/"):
        return JsonResponse({"error": reason}, status=404)
    return render(request, "404.html", {"reason": reason}, status=404)
