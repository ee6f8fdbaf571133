"""AWS Identity and Access Management: users, groups, roles, policies, instance profiles and access keys.

Emulated: their whole life as stored objects, with IAM's names, limits and conflicts; the managed policies of AWS that
ECS applications attach (``data/``); the keys of root users and users, which the gateway verifies signatures with.
IAM is global: rows have the region ``aws-global``. Not emulated: passwords and MFA, certificates, identity
providers, credential reports, the access advisor and the policy simulator; policies are stored, not evaluated.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""
