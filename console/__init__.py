"""People: the pages, what streams to them live, and the admin REST API."""
