"""CloudWatch: metrics that clients put, those that Simfra has of its own resources, and alarms on both.

Metrics are kept per minute for 15 days, of high resolution per second for three hours, as CloudWatch keeps them before
it thins them out. Percentiles come from the values themselves; where a minute has more than 150 different ones, they
are first rounded to within one percent. Metric math knows arithmetic, SUM, AVG, MIN, MAX, ABS, CEIL, FLOOR and FILL.

Not there: anomaly detection, SEARCH and Metrics Insights, dashboards, metric streams, insight rules. Of alarms' actions
those of scaling policies are carried out; others are written into the alarm's history.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""
