"""AWS Certificate Manager: certificates for load balancers, imported, or issued at once by an authority of our own.

Emulated: importing and importing again, requesting (issued at once: nobody proves that a domain is theirs), describing,
listing, reading, exporting, renewing, deleting what nobody uses, options, tags. Not emulated: ACME endpoints, private
authorities, validation by mail.

The authority is one per account: its certificate comes as the chain of what it issued, to be trusted by clients.

https://docs.aws.amazon.com/acm/latest/APIReference/Welcome.html
"""
