"""Application Auto Scaling: services of ECS scaled by target tracking, in steps, and on a schedule.

Targets of other services are kept and described, and nothing scales them; so are predictive policies, which have no
forecast. Target tracking makes its alarms in CloudWatch as on AWS and goes by them.

https://docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html
"""
