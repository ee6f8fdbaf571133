"""The network as people see it: what is where, drawn; and whether one thing reaches another."""
