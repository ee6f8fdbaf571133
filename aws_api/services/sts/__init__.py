"""AWS Security Token Service: who am I, and temporary credentials.

Emulated: GetCallerIdentity, GetAccessKeyInfo, GetSessionToken, GetFederationToken, AssumeRole with the role's trust
policy, AssumeRoleWithWebIdentity for tokens of registered OpenID Connect providers, DecodeAuthorizationMessage.
Temporary credentials are stateless: the session token is a sealed record of the key's secret, caller and expiry, which
every gateway process can read; it holds as long as its user or role is there. Not emulated: SAML, MFA devices (a code
is refused as a wrong one).

https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""
