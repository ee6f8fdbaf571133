"""The Django project, which wires the packages together, and ``simfra.testing``, the client of test suites.

Importing it imports nothing: test suites have neither Django nor Celery of ours.
"""
