"""AWS Identity and Access Management: users, groups, roles, policies, instance profiles, access keys - and judgement.

Emulated: their whole life as stored objects, with IAM's names, limits and conflicts; the managed policies of AWS that
ECS applications attach (``data/``); the keys of root users and users, which the gateway verifies signatures with;
passwords, OpenID Connect providers, the policy simulator, authorisation details and the credential report. Every call
of every principal but root is judged by the policies that apply to it (``authorizer``, ``evaluation``); each decision
is kept with the request's record. IAM is global: rows have the region ``aws-global``. Not emulated: MFA devices,
certificates, SAML providers, service control policies, the access advisor.

https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""
