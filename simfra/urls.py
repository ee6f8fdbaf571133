"""Simfra's own paths, all below /_simfra/ but the console's front door."""

from django.urls import include, path

urlpatterns = [path("", include("console.urls"))]
handler404 = "console.pages.errors.not_found"
