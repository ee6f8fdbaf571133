"""Key Management Service: keys, aliases, grants and real cryptography.

Emulated: symmetric, RSA, elliptic curve and HMAC keys; Encrypt, Decrypt, ReEncrypt, data keys and data key pairs, Sign,
Verify, GenerateMac, VerifyMac, DeriveSharedSecret; the encryption context as authenticated data; aliases, those of AWS
(``alias/aws/ssm``) with a key made on first use; key policies, grants, tags; disabling, the deletion window, rotation
on demand. Key material is encrypted at rest (aws_api.core.encryption).
Not emulated: custom key stores, imported key material, replicas of multi-Region keys, SM2 and ML keys, Nitro enclaves.
Automatic rotation is a setting that is kept and described. Grants count at once: GrantTokens are accepted and not
needed. A grant that was made by means of another may give fewer operations, and is not asked for its constraints.

https://docs.aws.amazon.com/kms/latest/APIReference/
"""
