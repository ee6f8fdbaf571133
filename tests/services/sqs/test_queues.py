"""Queues: attributes, names, policies, tags, purges."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.services.sqs.chores import delete_expired
from aws_api.services.sqs.models import Deduplication, Message, Queue

PREFIX = "AWS.SimpleQueueService."


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_deleted_queues_name_rests_where_the_cool_down_is_on(sqs, settings):
    url = sqs.create_queue(QueueName="again")["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    url = sqs.create_queue(QueueName="again")["QueueUrl"]
    settings.SIMFRA_SQS_DELETION_COOL_DOWN_S = 60
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(ClientError) as refused:
        sqs.create_queue(QueueName="again")
    error = refused.value.response["Error"]
    assert error["Code"] == "AWS.SimpleQueueService.QueueDeletedRecently"
    assert error["Message"].startswith("You must wait 60 seconds after deleting a queue")
    settings.SIMFRA_SQS_DELETION_COOL_DOWN_S = 0
    sqs.create_queue(QueueName="again")


def test_what_nobody_receives_expires_in_the_background(sqs, account):
    short = sqs.create_queue(QueueName="short", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    fifo = sqs.create_queue(QueueName="long.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.send_message(QueueUrl=short, MessageBody="goes")
    sqs.send_message(QueueUrl=fifo, MessageBody="stays", MessageGroupId="g", MessageDeduplicationId="d")
    ids = list(Queue.objects.filter(account_id=account.account_id).values_list("pk", flat=True))
    delete_expired(datetime.now(UTC))
    assert Message.objects.filter(queue_id__in=ids).count() == 2
    delete_expired(datetime.now(UTC) + timedelta(seconds=400))
    assert [message.body for message in Message.objects.filter(queue_id__in=ids)] == ["stays"]
    assert not Deduplication.objects.filter(queue_id__in=ids).exists()


def test_a_queue_url_is_below_the_callers_endpoint(sqs, account):
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    assert url == f"http://localhost:4599/{account.account_id}/orders"
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url


def test_creating_a_queue_again_finds_it_unless_its_attributes_differ(sqs):
    attributes = {"DelaySeconds": "5", "VisibilityTimeout": "30"}
    first = sqs.create_queue(QueueName="orders", Attributes=attributes)
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == first["QueueUrl"]
    assert sqs.create_queue(QueueName="orders", Attributes=attributes)["QueueUrl"] == first["QueueUrl"]
    with pytest.raises(ClientError, match="a different value for attribute DelaySeconds") as error:
        sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "6"})
    assert code_of(error) == "QueueAlreadyExists"


def test_a_new_queue_has_awss_defaults(sqs, queue_url, attributes_of, account):
    attributes = attributes_of(queue_url)
    assert attributes.pop("CreatedTimestamp") == attributes.pop("LastModifiedTimestamp")
    assert attributes == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{account.account_id}:orders",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    }
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue_url)


def test_a_changed_attribute_holds_for_the_next_call(sqs, queue_url):
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"VisibilityTimeout": "0"})
    for _ in range(2):
        assert len(sqs.receive_message(QueueUrl=queue_url)["Messages"]) == 1


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"Nonsense": "1"}, "InvalidAttributeName"),
        ({"QueueArn": "arn:aws:sqs:us-east-1:1:x"}, "InvalidAttributeName"),
        ({"FifoQueue": "true"}, "InvalidAttributeName"),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ({"VisibilityTimeout": "-1"}, "InvalidAttributeValue"),
        ({"DelaySeconds": "soon"}, "InvalidAttributeValue"),
        ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ({"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ({"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
        ({"Policy": "{"}, "InvalidAttributeValue"),
        ({"RedrivePolicy": "{"}, "InvalidParameterValue"),
        ({"RedrivePolicy": '{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}'}, "InvalidParameterValue"),
        ({"RedrivePolicy": '{"maxReceiveCount": 42}'}, "InvalidParameterValue"),
        (
            {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:x", "maxReceiveCount": 0}'},
            "InvalidParameterValue",
        ),
        (
            {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:x", "maxReceiveCount": 1}'},
            "InvalidParameterValue",
        ),
        ({"RedriveAllowPolicy": '{"redrivePermission": "perhaps"}'}, "InvalidParameterValue"),
        ({"KmsMasterKeyId": "key", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName"),
    ],
)
def test_an_attribute_that_sqs_does_not_take_changes_nothing(sqs, queue_url, attributes_of, attributes, code):
    before = attributes_of(queue_url)
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes=attributes)
    assert code_of(error) == code
    assert attributes_of(queue_url) == before


def test_an_unknown_attribute_cannot_be_asked_for(sqs, queue_url):
    with pytest.raises(ClientError, match="Unknown Attribute Nonsense"):
        sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["Nonsense"])
    with pytest.raises(ClientError, match="Unknown Attribute Nonsense"):
        sqs.receive_message(QueueUrl=queue_url, AttributeNames=["Nonsense"])


def test_an_empty_redrive_policy_takes_it_away(sqs, queue_url, attributes_of):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": attributes_of(dead)["QueueArn"], "maxReceiveCount": 3})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    assert attributes_of(queue_url)["RedrivePolicy"] == policy
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes_of(queue_url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []


def test_a_dead_letter_queue_may_refuse_its_sources(sqs, queue_url, attributes_of):
    denying = {"RedriveAllowPolicy": '{"redrivePermission": "denyAll"}'}
    dead = sqs.create_queue(QueueName="dead", Attributes=denying)["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": attributes_of(dead)["QueueArn"], "maxReceiveCount": 3})
    with pytest.raises(ClientError, match="does not allow redrive"):
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})


@pytest.mark.parametrize("name", ["a b", "a" * 81, "orders.fifo", "ü", "a/b"])
def test_a_bad_queue_name_is_refused(sqs, name):
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName=name)
    assert code_of(error) == "InvalidParameterValue"


def test_queues_are_listed_by_prefix_and_page(sqs):
    for name in ("a-1", "a-2", "a-3", "b-1"):
        sqs.create_queue(QueueName=name)

    def names(answer: Any) -> list[str]:
        return [url.rsplit("/", 1)[1] for url in answer.get("QueueUrls", [])]

    assert names(sqs.list_queues()) == ["a-1", "a-2", "a-3", "b-1"]
    first = sqs.list_queues(QueueNamePrefix="a-", MaxResults=2)
    assert names(first) == ["a-1", "a-2"]
    second = sqs.list_queues(QueueNamePrefix="a-", MaxResults=2, NextToken=first["NextToken"])
    assert names(second) == ["a-3"]
    assert "NextToken" not in second
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="c")
    with pytest.raises(ClientError):
        sqs.list_queues(MaxResults=2, NextToken="nonsense")


def test_a_deleted_queue_is_gone_with_its_messages(sqs, queue_url):
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    sqs.delete_queue(QueueUrl=queue_url)
    for call in (sqs.receive_message, sqs.get_queue_attributes, sqs.delete_queue):
        with pytest.raises(ClientError) as error:
            call(QueueUrl=queue_url)
        assert code_of(error) == f"{PREFIX}NonExistentQueue"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="orders")
    again = sqs.create_queue(QueueName="orders")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=again)


def test_another_accounts_queue_is_denied_and_a_missing_one_does_not_exist(sqs, queue_url):
    from aws_api.core.ids import new_account_id
    from aws_api.core.models import Account
    from aws_api.services.sqs.models import Queue

    other = Account.objects.create(account_id=new_account_id())
    mine = Queue.objects.get(account_id=queue_url.split("/")[-2], name="orders")
    Queue.objects.create(
        account_id=other.account_id,
        region="us-east-1",
        name="theirs",
        created_at=mine.created_at,
        modified_at=mine.modified_at,
    )
    for call, parameters in (
        (sqs.receive_message, {}),
        (sqs.send_message, {"MessageBody": "m"}),
        (sqs.purge_queue, {}),
    ):
        with pytest.raises(ClientError, match=r"theirs because no resource-based policy allows") as error:
            call(QueueUrl=f"http://localhost:4599/{other.account_id}/theirs", **parameters)
        assert code_of(error) == "AccessDenied"
        with pytest.raises(ClientError) as error:
            call(QueueUrl=f"http://localhost:4599/{other.account_id}/none", **parameters)
        assert code_of(error) == f"{PREFIX}NonExistentQueue"


def test_a_queue_url_is_taken_whatever_its_host(sqs, queue_url, account):
    url = f"https://sqs.us-east-1.amazonaws.com/{account.account_id}/orders"
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert len(sqs.receive_message(QueueUrl=queue_url)["Messages"]) == 1
    with pytest.raises(ClientError, match="is not valid for this endpoint") as error:
        sqs.send_message(QueueUrl="orders", MessageBody="m")
    assert code_of(error) == "InvalidAddress"


def test_queues_of_two_regions_are_two_queues(sqs, aws, queue_url):
    elsewhere = aws("sqs", region_name="eu-west-1")
    elsewhere.create_queue(QueueName="orders")
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    assert "Messages" not in elsewhere.receive_message(QueueUrl=queue_url)


def test_a_purge_takes_every_message_and_is_allowed_once_a_minute(sqs, queue_url, attributes_of):
    for body in "abc":
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    sqs.receive_message(QueueUrl=queue_url)
    sqs.purge_queue(QueueUrl=queue_url)
    assert attributes_of(queue_url)["ApproximateNumberOfMessages"] == "0"
    assert attributes_of(queue_url)["ApproximateNumberOfMessagesNotVisible"] == "0"
    with pytest.raises(ClientError, match="Only one PurgeQueue operation on orders is allowed") as error:
        sqs.purge_queue(QueueUrl=queue_url)
    assert code_of(error) == f"{PREFIX}PurgeQueueInProgress"


def test_tags_are_added_replaced_listed_and_taken_off(sqs):
    url = sqs.create_queue(QueueName="tagged", tags={"team": "a"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"team": "b", "stage": "test"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "b", "stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team", "none"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
    with pytest.raises(ClientError):
        sqs.tag_queue(QueueUrl=url, Tags={str(number): "" for number in range(50)})


def test_permissions_are_statements_of_the_policy(sqs, queue_url, attributes_of):
    arn = attributes_of(queue_url)["QueueArn"]
    permission = {"QueueUrl": queue_url, "Label": "share", "AWSAccountIds": ["111122223333"]}
    sqs.add_permission(**permission, Actions=["ReceiveMessage"])
    assert json.loads(attributes_of(queue_url)["Policy"])["Statement"] == [
        {
            "Sid": "share",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "SQS:ReceiveMessage",
            "Resource": arn,
        }
    ]
    with pytest.raises(ClientError, match="Value share for parameter Label is invalid"):
        sqs.add_permission(**permission, Actions=["SendMessage"])
    with pytest.raises(ClientError):
        sqs.add_permission(**{**permission, "Label": "b"}, Actions=["CreateQueue"])
    sqs.remove_permission(QueueUrl=queue_url, Label="share")
    assert "Policy" not in attributes_of(queue_url)
    with pytest.raises(ClientError):
        sqs.remove_permission(QueueUrl=queue_url, Label="share")
