"""DynamoDB's expression language: grammar, tree, and what a tree does to an item. Pure; knows no table."""
