"""Accounts, ``/_simfra/accounts``: one per test run, with keys of its own; emptied, deleted, copied and restored."""

import re
import tempfile
from ipaddress import IPv4Network
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import FileResponse, HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core import account_snapshots, account_state
from aws_api.core.accounts import root_keys
from aws_api.core.context import internal_context
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_account_id
from aws_api.core.models import Account, Snapshot
from aws_api.core.seeds import MAX_SEED, begin_again, set_seed
from aws_api.services.ec2.default_vpc import CIDR_BLOCK, prepare_region
from aws_api.services.ec2.zones import zones_of
from console.api.paging import PAGE_PARAMETERS, page
from console.api.scoped import REGION, AccountIdField

#: Above this a copy waits on disk while it is sent or received.
_IN_MEMORY_BYTES = 8 * 1024 * 1024
_MAX_COPY_BYTES = 2 * 1024 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class NewAccount(serializers.Serializer[Any]):
    """What POST /accounts takes: all of it optional."""

    accountId = AccountIdField(required=False)
    alias = serializers.RegexField(r"^[a-z0-9](-?[a-z0-9])*$", required=False, max_length=63, min_length=3)
    bootstrap = serializers.ChoiceField(["standard", "none"], default="standard")
    region = serializers.RegexField(REGION, required=False)
    availability_zones = serializers.ListField(child=serializers.CharField(), required=False, max_length=6)
    vpc_cidr = serializers.CharField(required=False)

    def validate_vpc_cidr(self, value: str) -> str:
        """A block as EC2 takes it, that sixteen subnets fit into."""
        try:
            network = IPv4Network(value)
        except ValueError as error:
            raise serializers.ValidationError(f"{value} is no CIDR block: {error}.") from error
        if not 16 <= network.prefixlen <= 24:
            raise serializers.ValidationError("The block has a prefix from /16 to /24.")
        return str(network)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Zones are of the region."""
        region = attrs.get("region", settings.SIMFRA_DEFAULT_REGION)
        strangers = set(attrs.get("availability_zones", ())) - {zone.name for zone in zones_of(region)}
        if strangers:
            raise serializers.ValidationError(f"{region} has no zone {', '.join(sorted(strangers))}.")
        return attrs


class NewSnapshot(serializers.Serializer[Any]):
    """What POST /accounts/{id}/snapshots takes."""

    name = serializers.CharField(required=False, default="", max_length=128, allow_blank=True)


class NewSeed(serializers.Serializer[Any]):
    """What PUT /accounts/{id}/seed takes."""

    seed = serializers.CharField(max_length=MAX_SEED, allow_blank=True, help_text="Empty: ids are random again.")


class AccountShape(serializers.Serializer[Any]):
    """An account."""

    accountId = serializers.CharField()
    alias = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()


class AccountWithKeys(AccountShape):
    """An account with the keys of its root user."""

    rootAccessKeyId = serializers.CharField()
    rootSecretAccessKey = serializers.CharField()


class BootstrapState(serializers.Serializer[Any]):
    """Whether the account was born with AWS's default network."""

    success = serializers.BooleanField()


class MadeAccount(AccountWithKeys):
    """A new account."""

    bootstrap = BootstrapState()


class EmptiedAccount(AccountShape):
    """An account that was emptied."""

    deletedRows = serializers.IntegerField()


class RestoredAccount(AccountShape):
    """An account whose state was put back."""

    restoredRows = serializers.IntegerField()


class SnapshotShape(serializers.Serializer[Any]):
    """A snapshot."""

    id = serializers.CharField()
    accountId = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    createdAt = serializers.DateTimeField()
    rows = serializers.IntegerField()
    sizeBytes = serializers.IntegerField()


class RestoredSnapshot(SnapshotShape):
    """A snapshot that was restored."""

    restoredRows = serializers.IntegerField()


class SeedShape(serializers.Serializer[Any]):
    """What an account's ids are made of, and how many calls made some since it was set."""

    accountId = serializers.CharField()
    seed = serializers.CharField(allow_blank=True)
    calls = serializers.IntegerField()


class AccountsView(APIView):
    """All accounts, and new ones."""

    @extend_schema(operation_id="list_accounts", parameters=PAGE_PARAMETERS, responses=AccountShape(many=True))
    def get(self, request: Request) -> Response:
        return page(request, Account.objects.order_by("created_at", "account_id"), _describe)

    @extend_schema(operation_id="create_account", request=NewAccount, responses={201: MadeAccount})
    def post(self, request: Request) -> Response:
        asked = NewAccount(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        try:
            with transaction.atomic():
                account = Account.objects.create(
                    account_id=wanted.get("accountId") or new_account_id(), alias=wanted.get("alias", "")
                )
        except IntegrityError as error:
            raise ValidationError(f"There is an account {wanted.get('accountId')} already.") from error
        return Response({**_with_keys(account), "bootstrap": {"success": _bootstrap(account, wanted)}}, status=201)


class AccountView(APIView):
    """One account with its root keys."""

    @extend_schema(operation_id="get_account", responses=AccountWithKeys)
    def get(self, _request: Request, account_id: str) -> Response:
        return Response(_with_keys(find_account(account_id)))

    @extend_schema(operation_id="delete_account", responses={204: None})
    def delete(self, _request: Request, account_id: str) -> Response:
        if account_id == settings.SIMFRA_DEFAULT_ACCOUNT_ID:
            raise ValidationError("The default account cannot be deleted; reset it.")
        account = find_account(account_id)
        with transaction.atomic():
            account_state.delete_state(account_id)
            account.delete()
        return Response(status=204)


class AccountResetView(APIView):
    """Deletes all that an account has; its keys and its seed stay, and ids of the seed begin again."""

    @extend_schema(operation_id="reset_account", request=None, responses=EmptiedAccount)
    def post(self, _request: Request, account_id: str) -> Response:
        account = find_account(account_id)
        rows = account_state.delete_state(account_id)
        begin_again(account_id)
        return Response({**_describe(account), "deletedRows": rows})


class SnapshotsView(APIView):
    """An account's snapshots, and new ones."""

    @extend_schema(operation_id="list_snapshots", parameters=PAGE_PARAMETERS, responses=SnapshotShape(many=True))
    def get(self, request: Request, account_id: str) -> Response:
        return page(request, account_snapshots.of_account(find_account(account_id)), _describe_snapshot)

    @extend_schema(operation_id="create_snapshot", request=NewSnapshot, responses={201: SnapshotShape})
    def post(self, request: Request, account_id: str) -> Response:
        asked = NewSnapshot(data=request.data)
        asked.is_valid(raise_exception=True)
        snapshot = account_snapshots.take(find_account(account_id), asked.validated_data["name"])
        return Response(_describe_snapshot(snapshot), status=201)


class SnapshotView(APIView):
    """One snapshot."""

    @extend_schema(operation_id="get_snapshot", responses=SnapshotShape)
    def get(self, _request: Request, account_id: str, snapshot_id: str) -> Response:
        return Response(_describe_snapshot(_find_snapshot(account_id, snapshot_id)))

    @extend_schema(operation_id="delete_snapshot", responses={204: None})
    def delete(self, _request: Request, account_id: str, snapshot_id: str) -> Response:
        _find_snapshot(account_id, snapshot_id).delete()
        return Response(status=204)


class SnapshotRestoreView(APIView):
    """Makes an account what it was when a snapshot was taken."""

    @extend_schema(operation_id="restore_snapshot", request=None, responses=RestoredSnapshot)
    def post(self, _request: Request, account_id: str, snapshot_id: str) -> Response:
        snapshot = _find_snapshot(account_id, snapshot_id)
        rows = _restoring(account_id, account_snapshots.contents_of(snapshot))
        return Response({**_describe_snapshot(snapshot), "restoredRows": rows})


class AccountStateView(APIView):
    """GET: an account's state as a file. PUT: the state of such a file, into the account that it is of."""

    @extend_schema(
        operation_id="export_account",
        responses={(200, "application/gzip"): OpenApiResponse(OpenApiTypes.BINARY, "The copy.")},
    )
    def get(self, _request: Request, account_id: str) -> HttpResponseBase:
        account = find_account(account_id)
        copy = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the response closes it
        account_state.copy_state(account.account_id, copy)
        copy.seek(0)
        return FileResponse(copy, as_attachment=True, filename=f"simfra-{account_id}.json.gz")

    @extend_schema(
        operation_id="import_account",
        request={"application/gzip": OpenApiTypes.BINARY},
        responses=RestoredAccount,
    )
    def put(self, request: Request, account_id: str) -> Response:
        if not re.fullmatch(r"\d{12}", account_id, re.ASCII):
            raise ValidationError("An account's id has 12 digits.")
        account, _ = Account.objects.get_or_create(account_id=account_id)
        body: Any = request._request
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as copy:
            while chunk := body.read(_CHUNK_BYTES):
                copy.write(chunk)
                if copy.tell() > _MAX_COPY_BYTES:
                    raise ValidationError(f"A copy has at most {_MAX_COPY_BYTES} bytes.")
            copy.seek(0)
            rows = _restoring(account_id, copy)
        return Response({**_describe(account), "restoredRows": rows})


class SeedView(APIView):
    """What an account's ids are made of: with the same seed, the same calls in the same order make the same ids."""

    @extend_schema(operation_id="get_seed", responses=SeedShape)
    def get(self, _request: Request, account_id: str) -> Response:
        return Response(_describe_seed(find_account(account_id)))

    @extend_schema(operation_id="set_seed", request=NewSeed, responses=SeedShape)
    def put(self, request: Request, account_id: str) -> Response:
        find_account(account_id)
        asked = NewSeed(data=request.data)
        asked.is_valid(raise_exception=True)
        set_seed(account_id, asked.validated_data["seed"])
        return Response(_describe_seed(find_account(account_id)))


def find_account(account_id: str) -> Account:
    """The account of an id. Raises NotFound; the default account is there as soon as it is asked for."""
    if account_id == settings.SIMFRA_DEFAULT_ACCOUNT_ID:
        return Account.objects.get_or_create(account_id=account_id)[0]
    account = Account.objects.filter(account_id=account_id).first()
    if account is None:
        raise NotFound(f"There is no account {account_id}.")
    return account


def _find_snapshot(account_id: str, snapshot_id: str) -> Snapshot:
    snapshot = account_snapshots.of_account(find_account(account_id)).filter(pk=snapshot_id).first()
    if snapshot is None:
        raise NotFound(f"The account {account_id} has no snapshot {snapshot_id}.")
    return snapshot


def _restoring(account_id: str, copy: Any) -> int:
    try:
        return account_state.restore_state(account_id, copy)
    except AwsError as error:
        raise ValidationError(error.message) from error


def _bootstrap(account: Account, wanted: dict[str, Any]) -> bool:
    """Make what an account is born with where that is not AWS's own; else it is made when a region is first used."""
    if wanted["bootstrap"] == "none":
        return False
    region = wanted.get("region", settings.SIMFRA_DEFAULT_REGION)
    if "vpc_cidr" in wanted or "availability_zones" in wanted:
        prepare_region(
            internal_context(account.account_id, region),
            wanted.get("vpc_cidr", CIDR_BLOCK),
            wanted.get("availability_zones", ()),
        )
    return True


def _describe(account: Account) -> dict[str, Any]:
    return {"accountId": account.account_id, "alias": account.alias, "createdAt": account.created_at}


def _with_keys(account: Account) -> dict[str, Any]:
    keys = root_keys(account.account_id)
    return {
        **_describe(account),
        "rootAccessKeyId": keys.access_key_id,
        "rootSecretAccessKey": keys.secret_access_key,
    }


def _describe_seed(account: Account) -> dict[str, Any]:
    return {"accountId": account.account_id, "seed": account.id_seed, "calls": account.id_calls}


def _describe_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.pk,
        "accountId": snapshot.of_account,
        "name": snapshot.name,
        "createdAt": snapshot.created_at,
        "rows": snapshot.rows,
        "sizeBytes": snapshot.size_bytes,
    }


urlpatterns = [
    path("_simfra/accounts", AccountsView.as_view()),
    path("_simfra/accounts/<str:account_id>", AccountView.as_view()),
    path("_simfra/accounts/<str:account_id>/reset", AccountResetView.as_view()),
    path("_simfra/accounts/<str:account_id>/seed", SeedView.as_view()),
    path("_simfra/accounts/<str:account_id>/state", AccountStateView.as_view()),
    path("_simfra/accounts/<str:account_id>/snapshots", SnapshotsView.as_view()),
    path("_simfra/accounts/<str:account_id>/snapshots/<str:snapshot_id>", SnapshotView.as_view()),
    path("_simfra/accounts/<str:account_id>/snapshots/<str:snapshot_id>/restore", SnapshotRestoreView.as_view()),
]
