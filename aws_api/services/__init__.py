"""One folder, one AWS service, one Django app; found by being there."""
