"""The quotas of Elastic Load Balancing, as DescribeAccountLimits tells them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

LOAD_BALANCERS = 50
LISTENERS_PER_LOAD_BALANCER = 50
RULES_PER_LOAD_BALANCER = 100
TARGET_GROUPS = 3000
TARGET_GROUPS_PER_LOAD_BALANCER = 100
TARGET_GROUPS_PER_ACTION = 5
TARGETS_PER_TARGET_GROUP = 1000
TARGETS_PER_LOAD_BALANCER = 1000
REGISTRATIONS_PER_TARGET = 1000
CERTIFICATES_PER_LOAD_BALANCER = 25
CONDITION_VALUES_PER_RULE = 5
WILDCARDS_PER_RULE = 6
SECURITY_GROUPS_PER_LOAD_BALANCER = 5
TAGS = 50

ACCOUNT_LIMITS = {
    "application-load-balancers": LOAD_BALANCERS,
    "condition-values-per-alb-rule": CONDITION_VALUES_PER_RULE,
    "condition-wildcards-per-alb-rule": WILDCARDS_PER_RULE,
    "listeners-per-application-load-balancer": LISTENERS_PER_LOAD_BALANCER,
    "listeners-per-network-load-balancer": LISTENERS_PER_LOAD_BALANCER,
    "network-load-balancers": LOAD_BALANCERS,
    "certificates-per-application-load-balancer": CERTIFICATES_PER_LOAD_BALANCER,
    "certificates-per-network-load-balancer": CERTIFICATES_PER_LOAD_BALANCER,
    "rules-per-application-load-balancer": RULES_PER_LOAD_BALANCER,
    "target-groups": TARGET_GROUPS,
    "target-groups-per-action-on-application-load-balancer": TARGET_GROUPS_PER_ACTION,
    "target-groups-per-application-load-balancer": TARGET_GROUPS_PER_LOAD_BALANCER,
    "target-id-registrations-per-application-load-balancer": REGISTRATIONS_PER_TARGET,
    "targets-per-application-load-balancer": TARGETS_PER_LOAD_BALANCER,
    "targets-per-availability-zone-per-network-load-balancer": TARGETS_PER_LOAD_BALANCER // 2,
    "targets-per-network-load-balancer": TARGETS_PER_LOAD_BALANCER * 3,
}
