"""Rows of Cloud Map as AWS's shapes."""

from typing import Any

from aws_api.services.servicediscovery.models import Instance, Namespace, NamespaceType, OperationRecord, Service

Shape = dict[str, Any]


def summarise_namespace(namespace: Namespace, service_count: int) -> Shape:
    return _present(
        {
            "Id": namespace.namespace_id,
            "Arn": namespace.arn,
            "ResourceOwner": namespace.account_id,
            "Name": namespace.name,
            "Type": namespace.type,
            "Description": namespace.description,
            "ServiceCount": service_count,
            "Properties": _properties(namespace),
            "CreateDate": namespace.created_at,
        }
    )


def describe_namespace(namespace: Namespace, service_count: int) -> Shape:
    return summarise_namespace(namespace, service_count) | _present({"CreatorRequestId": namespace.creator_request_id})


def summarise_service(service: Service, instance_count: int) -> Shape:
    return _present(
        {
            "Id": service.service_id,
            "Arn": service.arn,
            "ResourceOwner": service.account_id,
            "Name": service.name,
            "Type": service.type,
            "Description": service.description,
            "InstanceCount": instance_count,
            **service.document,
            "CreateDate": service.created_at,
            "CreatedByAccount": service.account_id,
        }
    )


def describe_service(service: Service, instance_count: int) -> Shape:
    return summarise_service(service, instance_count) | _present(
        {"NamespaceId": service.namespace.namespace_id, "CreatorRequestId": service.creator_request_id}
    )


def summarise_instance(instance: Instance) -> Shape:
    return {
        "Id": instance.instance_id,
        "Attributes": instance.attributes,
        "CreatedByAccount": instance.service.account_id,
    }


def describe_instance(instance: Instance) -> Shape:
    return summarise_instance(instance) | _present({"CreatorRequestId": instance.creator_request_id})


def describe_operation(record: OperationRecord) -> Shape:
    return _present(
        {
            "Id": record.operation_id,
            "OwnerAccount": record.account_id,
            "Type": record.type,
            "Status": record.status,
            "ErrorCode": record.error_code,
            "ErrorMessage": record.error_message,
            "CreateDate": record.at,
            "UpdateDate": record.at,
            "Targets": record.targets,
        }
    )


def _properties(namespace: Namespace) -> Shape:
    http: Shape = {"HttpProperties": {"HttpName": namespace.name}}
    if namespace.type == NamespaceType.HTTP:
        return http
    dns = {"HostedZoneId": namespace.hosted_zone_id, "SOA": {"TTL": namespace.soa_ttl_s}}
    return {"DnsProperties": dns, **http}


def _present(shape: Shape) -> Shape:
    return {member: value for member, value in shape.items() if value != ""}
