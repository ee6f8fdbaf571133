"""The console's pages, and the admin API below /_simfra/."""

from django.urls import path

from console.api.ecs import TaskExplanationView, TaskHoldView
from console.api.health import HealthView
from console.api.iam import ExplainView, SuggestView
from console.api.network import ResolversView
from console.api.requests import RequestsView, RequestView
from console.api.services import ServicesView
from console.pages import ecs, home, scopes

urlpatterns = [
    path("", home.home, name="home"),
    path("scope", scopes.choose, name="scope"),
    path("clusters/", ecs.clusters, name="clusters"),
    path("clusters/<str:cluster>/", ecs.cluster, name="cluster"),
    path("clusters/<str:cluster>/tasks/<str:task_id>/", ecs.task, name="task"),
    path("_simfra/health", HealthView.as_view()),
    path("_simfra/services", ServicesView.as_view()),
    path("_simfra/network/dns", ResolversView.as_view()),
    path("_simfra/iam/explain", ExplainView.as_view()),
    path("_simfra/iam/suggest", SuggestView.as_view()),
    path("_simfra/ecs/tasks/<str:task_id>/explain", TaskExplanationView.as_view()),
    path("_simfra/ecs/tasks/<str:task_id>/hold", TaskHoldView.as_view()),
    path("_simfra/debug/requests", RequestsView.as_view()),
    path("_simfra/debug/requests/<str:request_id>", RequestView.as_view()),
]
