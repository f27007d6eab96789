"""Many clients at once: moto's backends are plain dictionaries, so one request at a time may reach them."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from moto.iam.models import iam_backends

from sagemaker_rehearsal.iam import attached_policies
from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.backends import alone
from sagemaker_rehearsal.server.service import ACCOUNT

pytestmark = pytest.mark.rehearsal
THREADS, ROUNDS, CROWD = 16, 6, 3000


def _document(**members: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **members}]})


TRUST = _document(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
GRANT = _document(Action="s3:GetObject", Resource="*")


@pytest.fixture
def crowded(cloud: Cloud) -> Iterator[None]:
    """Make loops over roles long, and let threads take turns often, so that every unguarded loop is interrupted."""
    before, roles = sys.getswitchinterval(), iam_backends[ACCOUNT]["aws"].roles
    crowd = [f"crowd-{number}" for number in range(CROWD)]
    cloud.client("iam").create_role(RoleName="crowd", AssumeRolePolicyDocument=TRUST)
    first = next(role for role in roles.values() if role.name == "crowd")
    roles.update(dict.fromkeys(crowd, first))
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)
    for name in [first.id, *crowd]:
        del roles[name]


def _roles(cloud: Cloud, name: str) -> None:
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=GRANT)
    assert iam.list_roles(MaxItems=10)["Roles"]
    assert iam.get_role(RoleName=name)["Role"]["Arn"] == arn
    cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="many")
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    iam.delete_role(RoleName=name)


def _buckets(cloud: Cloud, name: str) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/b", Body=b"x", Tagging="k=v")
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.delete_object(Bucket=name, Key="a/b")
    s3.delete_bucket(Bucket=name)


def _groups(cloud: Cloud, name: str) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    listed = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in listed] == [name]
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


WORK: tuple[Callable[[Cloud, str], None], ...] = (_roles, _buckets, _groups)


def test_many_threads_create_list_and_delete_without_a_fault(cloud: Cloud, crowded: None) -> None:
    def work(number: int) -> None:
        for turn in range(ROUNDS):
            WORK[(number + turn) % len(WORK)](cloud, f"many-{number}-{turn}")

    with ThreadPoolExecutor(THREADS) as pool:
        for outcome in [pool.submit(work, number) for number in range(THREADS)]:
            outcome.result()


def test_a_request_waits_while_another_thread_reads_the_backends(cloud: Cloud) -> None:
    with ThreadPoolExecutor(1) as pool:
        with alone():
            listing = pool.submit(cloud.client("iam").list_roles)
            time.sleep(0.3)
            assert not listing.done()
            attached_policies.all_roles(cloud)  # re-entrant
        assert "Roles" in listing.result(10)


def test_who_waits_for_a_message_lets_others_send_it(cloud: Cloud) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="waited-for")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        time.sleep(0.3)
        begun = time.monotonic()
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        assert received.result(10)["Messages"][0]["Body"] == "hello"
        assert time.monotonic() - begun < 5


def test_a_subscriber_that_asks_the_cloud_before_it_answers_holds_nobody_up(cloud: Cloud) -> None:
    told = threading.Event()

    class Subscriber(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            cloud.client("s3").list_buckets()
            told.set()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Subscriber) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sns = cloud.client("sns")
        topic = sns.create_topic(Name="told")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/")
        sns.publish(TopicArn=topic, Message="hello")
        assert told.wait(10)
        server.shutdown()
