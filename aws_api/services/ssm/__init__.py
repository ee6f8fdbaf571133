"""Systems Manager, of which the Parameter Store.

Emulated: String, StringList and SecureString parameters (through KMS), versions, labels, selectors, hierarchies, tiers,
allowed patterns, filters and tags; the public parameters of the ECS-optimized and the latest Amazon Linux images, with
values of the right form. Parameter policies are checked and described, but nothing expires by them.
Not emulated: sharing with other accounts, service settings, and all of Systems Manager but the Parameter
Store and ResumeSession, by which clients of ECS Exec go on after their connection broke.

https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
"""
