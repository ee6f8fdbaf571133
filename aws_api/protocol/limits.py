"""The limits of every parser: what a request may cost before it is refused."""

MAX_DEPTH = 100
"""Nested lists, maps and structures in a body. DynamoDB, the deepest user, allows 32 levels of two each."""

MAX_QUERY_PARAMETERS = 10_000
"""Form fields and query parameters of one request."""

MAX_INDEX_DIGITS = 10
"""Digits of a list index in the query protocol; an index never allocates, it only orders."""

MAX_INFLATED_BYTES = 64 * 1024 * 1024
"""Size of a compressed body once inflated."""

MAX_REPORTED_VIOLATIONS = 10
"""Validation errors named in one answer; further ones are not looked for."""

MAX_PATTERN_INPUT = 100_000
"""Characters of a value that a model's regular expression is tried on."""
