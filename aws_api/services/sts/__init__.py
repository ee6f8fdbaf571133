"""AWS Security Token Service: who am I, and temporary credentials.

Emulated: GetCallerIdentity, GetSessionToken, AssumeRole, GetAccessKeyInfo. Temporary credentials are stateless: the
session token is a sealed record of the key's secret, caller and expiry, which every gateway process can read.
A role may be assumed by the principals of its own account and by services; its trust policy is not evaluated.
Not emulated: federation (SAML, web identity, GetFederationToken), DecodeAuthorizationMessage.

https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""
