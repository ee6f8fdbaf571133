"""From bytes to a service and back: the ASGI edge, routing, signatures, and the pipeline through them."""
