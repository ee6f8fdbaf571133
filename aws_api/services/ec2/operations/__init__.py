"""EC2's operations, one module per family of resources."""
