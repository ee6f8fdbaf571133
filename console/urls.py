"""The console's pages, and the admin API below /_simfra/."""

from console.discovery import urlpatterns as find_urlpatterns

urlpatterns = find_urlpatterns()
