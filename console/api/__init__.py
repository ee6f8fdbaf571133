"""The admin REST API below /_simfra/."""
