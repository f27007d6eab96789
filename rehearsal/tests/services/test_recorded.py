"""Steps 1 to 10: errors with AWS's exact messages, which LocalStack recorded from AWS.

https://github.com/localstack/localstack (Apache-2.0, archived at 8b9a79f0 of 2026-03-23) has AWS's responses to its
tests, `tests/aws/services/SERVICE/*.snapshot.json`. Each row names the test; where a row names another source, AWS's
message is quoted there by a user.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import account
from tests.services.strictness import ACCOUNT, REGION, Account, function, schedule, template

Row = tuple[str, str, dict[str, Any], str, str]
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/nobody"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/nothing"
RULE = {"Name": "new", "EventPattern": '{"source": ["a"]}'}
EVENT = {key: "a" for key in ("id", "account", "source", "time", "region", "detail-type")}
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"


def target(**more: object) -> dict[str, Any]:
    return {"Rule": "rule", "Targets": [{"Id": "2", "Arn": QUEUE, **more}]}


def transformer(text: str, **paths: str) -> dict[str, Any]:
    return {"InputTransformer": {"InputTemplate": text, "InputPathsMap": paths}}


NUMBERS = itertools.count()


def stack(**sections: object) -> dict[str, Any]:
    return {"StackName": f"new-{next(NUMBERS)}", "TemplateBody": template(**sections)}


def resource(value: object) -> dict[str, Any]:
    """Return a stack with one topic, whose name is a given value."""
    return stack(Resources={"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": value}}})


EVENTS: dict[str, Row] = {
    "test_put_event_input_path_and_input_transformer": (
        "events", "put_targets", target(InputPath="$.detail", **transformer('"a"')),
        "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target 2.",
    ),
    "test_put_events_with_input_transformer_missing_keys": (
        "events", "put_targets", target(**transformer('"<type> and <notdefinedkey>"', type="$.detail-type")),
        "ValidationException", "InputTemplate for target 2 contains invalid placeholder notdefinedkey.",
    ),
    "test_add_exceed_fife_targets_per_rule": (
        "events", "put_targets", {"Rule": "rule", "Targets": [{"Id": str(n), "Arn": QUEUE} for n in range(2, 8)]},
        "LimitExceededException", "The requested resource exceeds the maximum number allowed.",
    ),
    "test_delete_rule_with_targets": (
        "events", "delete_rule", {"Name": "rule"},
        "ValidationException", "Rule can't be deleted since it has targets.",
    ),
    "test_describe_nonexistent_rule": (
        "events", "describe_rule", {"Name": "none"},
        "ResourceNotFoundException", "Rule none does not exist on EventBus default.",
    ),
    "tests_tag_list_untag_not_existing_resource": (
        "events", "list_tags_for_resource", {"ResourceARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/none"},
        "ResourceNotFoundException", "Rule none does not exist on EventBus default.",
    ),
    "test_describe_delete_not_existing_event_bus": (
        "events", "describe_event_bus", {"Name": "none"},
        "ResourceNotFoundException", "Event bus none does not exist.",
    ),
    "test_delete_default_event_bus": (
        "events", "delete_event_bus", {"Name": "default"},
        "ValidationException", "Cannot delete event bus default.",
    ),
    "test_put_event_with_too_big_detail": (
        "events", "put_events", {"Entries": [{"Source": "a", "DetailType": "a", "Detail": json.dumps("p" * 262144)}]},
        "ValidationException", "Total size of the entries in the request is over the limit.",
    ),
    "test_plain_string_payload": (
        "events", "test_event_pattern", {"EventPattern": '{"a": ["b"]}', "Event": "plain string"},
        "ValidationException", "Parameter Event is not valid.",
    ),
    "test_invalid_event_payload": (
        "events", "test_event_pattern", {"EventPattern": '{"a": ["b"]}', "Event": '{"testEvent": "value"}'},
        "ValidationException", "Parameter Event is not valid.",
    ),
    "test_put_rule_with_invalid_schedule_rate": (
        "events", "put_rule", {"Name": "new", "ScheduleExpression": "rate(1 minutes)"},
        "ValidationException", "Parameter ScheduleExpression is not valid.",
    ),
    "tests_create_schedule_with_invalid_schedule_expression": (
        "scheduler", "create_schedule", schedule(ScheduleExpression="cron(0 1 * * * *)"),
        "ValidationException", "Invalid Schedule Expression cron(0 1 * * * *).",
    ),
}  # fmt: skip
UNRESOLVED = "Unresolved resource dependencies [Lost] in the"
SELECT = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
GET_ATT = "two non-empty parameters, the resource name and the resource attribute"
SPLIT = "(1) a string delimiter and (2) a string to be split or a function that returns a string to be split."
CLOUDFORMATION: dict[str, Row] = {
    "test_invalid_output_structure[none-value]": (
        "cloudformation", "create_stack", stack(Outputs={"MyOutput": {"Value": None}}),
        "ValidationError", "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates",
    ),
    "test_invalid_output_structure[multiple-nones]": (
        "cloudformation", "create_stack", stack(Outputs={"MyOutput": {}}),
        "ValidationError", "Template format error: Every Outputs member must contain a Value object",
    ),
    "test_resources_blocks[missing-type]": (
        "cloudformation", "create_stack", stack(Resources={"A": {"Properties": {}}}),
        "ValidationError", "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
    ),
    "test_resources_blocks[invalid-key]": (
        "cloudformation", "create_stack", stack(Resources={"A": {"Type": "AWS::SNS::Topic", "Invalid": 10}}),
        "ValidationError", "Invalid template resource property 'Invalid'",
    ),
    "test_linting_error_during_creation": (
        "cloudformation", "create_stack", stack(Resources={"A": ""}),
        "ValidationError", "Template format error: Any Resources member must be an object.",
    ),
    "test_get_template_summary_no_resources": (
        "cloudformation", "validate_template", {"TemplateBody": '{"Resources": {}}'},
        "ValidationError", "Template format error: At least one Resources member must be defined.",
    ),
    "test_useful_error_when_invalid_ref": (
        "cloudformation", "create_stack", resource({"Ref": "Lost"}),
        "ValidationError", f"Template format error: {UNRESOLVED} Resources block of the template",
    ),
    "test_output_reference_to_skipped_resource": (
        "cloudformation", "create_stack", stack(Outputs={"A": {"Value": {"Ref": "Lost"}}}),
        "ValidationError", f"{UNRESOLVED} Outputs block of the template",
    ),
    "test_missing_condition": (
        "cloudformation", "create_stack", resource({"Fn::If": ["MissingCondition", "a", "b"]}),
        "ValidationError", "Template error: unresolved condition dependency MissingCondition in Fn::If",
    ),
    "test_invalid_select_index_type[non-integer-index]": (
        "cloudformation", "create_stack", resource({"Fn::Select": ["bad", ["a"]]}), "ValidationError", SELECT,
    ),
    "test_invalid_select_index_type[non-list-list]": (
        "cloudformation", "create_stack", resource({"Fn::Select": [0, 2]}), "ValidationError", SELECT,
    ),
    "test_invalid_select_index_type[index-out-of-range]": (
        "cloudformation", "create_stack", resource({"Fn::Select": [100, ["a"]]}), "ValidationError", SELECT,
    ),
    "TestChangeSetFnGetAttr::test_invalid_structure": (
        "cloudformation", "create_stack", resource({"Fn::GetAtt": ["Topic"]}),
        "ValidationError", f"Template error: every Fn::GetAtt object requires {GET_ATT}",
    ),
    "test_validate_split_arguments_len": (
        "cloudformation", "create_stack", resource({"Fn::Split": {"Ref": "AWS::Region"}}),
        "ValidationError", f"Template error: every Fn::Split object requires two parameters, {SPLIT}",
    ),
    "test_validate_equals_args_len": (
        "cloudformation", "create_stack", stack(Conditions={"A": {"Fn::Equals": ["a"]}}),
        "ValidationError", "Template error: every Fn::Equals object requires a list of 2 string parameters.",
    ),
    "test_mapping_minimum_nesting_depth": (
        "cloudformation", "create_stack", stack(Mappings={"Map": {"A": "a"}}),
        "ValidationError", "Template format error: Every Mappings member A must be a map",
    ),
    "test_mapping_with_invalid_refs": (
        "cloudformation", "create_stack", stack(Mappings={"Map": {"A": {"b": {"Ref": "c"}}}}),
        "ValidationError", "Template format error: Every Mappings attribute must be a String or a List.",
    ),
    "test_mapping_with_nonexisting_key": (
        "cloudformation", "create_stack",
        {**stack(
            Mappings={"Map": {"A": {"Suffix": "a"}}},
            Parameters={"Chosen": {"Type": "String"}},
            Outputs={"A": {"Value": {"Fn::FindInMap": ["Map", {"Ref": "Chosen"}, "Suffix"]}}},
        ), "Parameters": [{"ParameterKey": "Chosen", "ParameterValue": "C"}]},
        "ValidationError", "Template error: Unable to get mapping for Map::C::Suffix",
    ),
    "test_invalid_parameter_type": (
        "cloudformation", "create_stack",
        {**stack(Parameters={"Value": {"Type": "Number"}}), "Parameters": [
            {"ParameterKey": "Value", "ParameterValue": "a"}]},
        "ValidationError", "Parameter 'Value' must be a number.",
    ),
    "test_no_template_error": (
        "cloudformation", "create_stack", {"StackName": "without"},
        "ValidationError", "Either Template URL or Template Body must be specified.",
    ),
    "test_name_conflicts": (
        "cloudformation", "create_stack", {**stack(), "StackName": "stack"},
        "AlreadyExistsException", "Stack [stack] already exists",
    ),
    "api/test_changesets.py::test_name_conflicts": (
        "cloudformation", "create_change_set",
        {**stack(), "StackName": "stack", "ChangeSetName": "again", "ChangeSetType": "CREATE"},
        "ValidationError", "Stack [stack] already exists and cannot be created again with the changeSet [again].",
    ),
    "test_non_existing_stack_message": (
        "cloudformation", "describe_stacks", {"StackName": "none"},
        "ValidationError", "Stack with id none does not exist",
    ),
    "test_describe_stack_events_errors": (
        "cloudformation", "describe_stack_events", {"StackName": "none"},
        "ValidationError", "Stack [none] does not exist",
    ),
    "test_delete_change_set_exception[e1]": (
        "cloudformation", "delete_change_set", {"StackName": "none", "ChangeSetName": "none"},
        "ValidationError", "Stack [none] does not exist",
    ),
    "test_delete_change_set_exception[e2]": (
        "cloudformation", "delete_change_set", {"ChangeSetName": "none"},
        "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.",
    ),
    "test_describe_changeset_after_delete": (
        "cloudformation", "describe_change_set", {"StackName": "stack", "ChangeSetName": "none"},
        "ChangeSetNotFound", "ChangeSet [none] does not exist",
    ),
    "test_get_template_missing_resources": (
        "cloudformation", "get_template", {"StackName": "none"},
        "ValidationError", "Stack with id none does not exist",
    ),
    "test_stack_resource_not_found": (
        "cloudformation", "describe_stack_resource", {"StackName": "stack", "LogicalResourceId": "None"},
        "ValidationError", "Resource None does not exist for stack stack",
    ),
    "test_update_stack_with_same_template_withoutchange": (
        "cloudformation", "update_stack", {"StackName": "stack", "UsePreviousTemplate": True},
        "ValidationError", "No updates are to be performed.",
    ),
    "test_update_with_role_without_permissions": (
        "cloudformation", "update_stack",
        {**stack(Outputs={"A": {"Value": "b"}}), "StackName": "stack", "RoleARN": NOBODY},
        "ValidationError", f"Role {NOBODY} is invalid or cannot be assumed",
    ),
    "test_update_with_role_without_permissions[create]": (
        "cloudformation", "create_stack", {**stack(), "RoleARN": NOBODY},
        "ValidationError", f"Role {NOBODY} is invalid or cannot be assumed",
    ),
}  # fmt: skip
OTHERS: dict[str, Row] = {
    "test_role_attach_policy": (
        "iam", "attach_role_policy", {"RoleName": "everybody", "PolicyArn": BOUNDARY},
        "NoSuchEntity", f"Policy {BOUNDARY} does not exist or is not attachable.",
    ),
    "test_delete_non_existent_policy_returns_no_such_entity": (
        "iam", "delete_policy", {"PolicyArn": BOUNDARY}, "NoSuchEntity", f"Policy {BOUNDARY} was not found.",
    ),
    "test_create_role_with_malformed_assume_role_policy_document": (
        "iam", "create_role", {"RoleName": "new", "AssumeRolePolicyDocument": "{"},
        "MalformedPolicyDocument", "This policy contains invalid Json",
    ),
    # The log of a public product that creates such roles on AWS: openshift/rosa, test case "operator roles with an
    # invalid permissions boundary"; `sam deploy` gets the same message. The service model of CreateRole has no such
    # error, AWS has
    "a role with an absent boundary": (
        "iam", "create_role",
        {"RoleName": "new", "PermissionsBoundary": BOUNDARY, "AssumeRolePolicyDocument": json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]})},
        "NoSuchEntity", f"Scope ARN: {BOUNDARY} does not exist or is not attachable.",
    ),
    # https://github.com/gruntwork-io/cloud-nuke/issues/972: also where the policy is only a boundary
    "a policy that is a boundary": (
        "iam", "delete_policy", {"PolicyArn": "$boundary"},
        "DeleteConflict", "Cannot delete a policy attached to entities.",
    ),
    # https://github.com/awslabs/aws-athena-query-federation/issues/793; the documentation has another code
    "an event of 6 MB": (
        "lambda", "invoke", {"FunctionName": "function", "Payload": json.dumps("a" * 6291456).encode()},
        "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    ),
    # https://github.com/ASFHyP3/hyp3/issues/2241, of 2024, when the limit was 262144
    "an event for later of 1 MB": (
        "lambda", "invoke",
        {"FunctionName": "function", "InvocationType": "Event", "Payload": json.dumps("a" * 1048576).encode()},
        "RequestEntityTooLargeException",
        "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    ),
    "test_remove_multi_permissions[policy]": (
        "lambda", "get_policy", {"FunctionName": "quiet"},
        "ResourceNotFoundException", "The resource you requested does not exist.",
    ),
    "test_permission_exceptions[get]": (
        "lambda", "get_policy", {"FunctionName": "doesnotexist"},
        "ResourceNotFoundException", "The resource you requested does not exist.",
    ),
    "test_permission_exceptions[remove]": (
        "lambda", "remove_permission", {"FunctionName": "quiet", "StatementId": "s3"},
        "ResourceNotFoundException", "No policy is associated with the given resource.",
    ),
    "test_permission_exceptions[remove from none]": (
        "lambda", "remove_permission", {"FunctionName": "doesnotexist", "StatementId": "s3"},
        "ResourceNotFoundException",
        f"No policy found for: arn:aws:lambda:{REGION}:{ACCOUNT}:function:doesnotexist",
    ),
    "test_remove_multi_permissions[statement]": (
        "lambda", "remove_permission", {"FunctionName": "function", "StatementId": "non-existent"},
        "ResourceNotFoundException", "Statement non-existent is not found in resource policy.",
    ),
    "test_lambda_eventinvokeconfig_exceptions": (
        "lambda", "get_function_event_invoke_config", {"FunctionName": "quiet"},
        "ResourceNotFoundException",
        f"The function arn:aws:lambda:{REGION}:{ACCOUNT}:function:quiet:$LATEST doesn't have an EventInvokeConfig",
    ),
    "test_function_lifecycle": (
        "lambda", "get_function", {"FunctionName": "doesnotexist"},
        "ResourceNotFoundException",
        f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:doesnotexist",
    ),
}  # fmt: skip
ROWS = EVENTS | CLOUDFORMATION | OTHERS


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("cloud"), REGION) as cloud:
        filled_account = Account(cloud)
        filled_account.fill(tmp_path_factory.mktemp("model"))
        filled_account.client("lambda").create_function(**function(FunctionName="quiet"))
        iam = filled_account.client("iam")
        document = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
        )
        filled_account.names["boundary"] = iam.create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"][
            "Arn"
        ]
        iam.put_role_permissions_boundary(RoleName="everybody", PermissionsBoundary=filled_account.names["boundary"])
        yield filled_account


@pytest.mark.parametrize("name", ROWS)
def test_a_refusal_has_the_code_and_the_words_that_aws_was_recorded_to_use(filled: Account, name: str) -> None:
    service, operation, params, code, message = ROWS[name]
    with pytest.raises(ClientError) as caught:
        getattr(filled.client(service), operation)(**filled.substituted(params))
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def test_an_event_needs_no_resources_to_be_tried(filled: Account) -> None:
    """The recorded events of `test_event_pattern` have none."""
    ask = filled.client("events").test_event_pattern
    assert ask(EventPattern='{"source": ["a"]}', Event=json.dumps(EVENT))["Result"] is True


def test_a_rule_of_a_bus_of_its_own_has_the_bus_in_its_arn(filled: Account) -> None:
    """As in `test_input_transformer_predefined_variables`; and it has no schedule there (`...custom_event_bus`)."""
    events = filled.client("events")
    events.create_event_bus(Name="bus")
    arn = events.put_rule(**RULE, EventBusName="bus")["RuleArn"]
    with pytest.raises(ClientError) as caught:
        events.put_rule(Name="timed", ScheduleExpression="rate(1 minute)", EventBusName="bus")
    message = caught.value.response["Error"]["Message"]
    assert (arn, message) == (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/bus/new",
        "ScheduleExpression is supported only on the default event bus.",
    )
