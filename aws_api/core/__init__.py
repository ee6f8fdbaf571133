"""What every service stands on; knows no service, no HTTP, no Docker."""
