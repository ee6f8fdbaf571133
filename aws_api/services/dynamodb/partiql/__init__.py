"""PartiQL for DynamoDB: statements parsed by grammar, made into the same plans and reads as the other operations'.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""
