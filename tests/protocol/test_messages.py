"""Messages: the golden files both ways, sentences of every field, and rules that keep old pages alive."""

import json
from typing import get_args

import msgspec
import pytest

from protocol import commands, entities, messages
from protocol.codec import decode_client, decode_gateway, encode
from protocol.typescript import field_sentences, structs_of, tag_of
from tests.protocol.golden_files import compact, golden

MESSAGES = golden("messages")
ALL_STRUCTS = [struct for module in (entities, commands, messages) for struct in structs_of(module)]


@pytest.mark.parametrize("case", MESSAGES, ids=lambda case: case["name"])
def test_a_golden_message_survives_the_round_trip(case: dict[str, object]) -> None:
    decode = decode_client if case["direction"] == "client" else decode_gateway
    message = decode(compact(case["json"]))
    assert json.loads(encode(message)) == case["json"]
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("direction", "union"), [("client", messages.ClientMessage), ("gateway", messages.GatewayMessage)]
)
def test_every_kind_of_message_has_a_golden_case(direction: str, union: object) -> None:
    shown = {case["json"]["t"] for case in MESSAGES if case["direction"] == direction}
    assert shown == {tag_of(member) for member in get_args(union)}


@pytest.mark.parametrize("struct", ALL_STRUCTS, ids=lambda struct: struct.__name__)
def test_every_struct_and_field_is_described(struct: type[msgspec.Struct]) -> None:
    assert struct.__doc__
    assert set(field_sentences(struct)) == set(struct.__struct_fields__)


@pytest.mark.parametrize("struct", ALL_STRUCTS, ids=lambda struct: struct.__name__)
def test_every_struct_is_frozen_and_bears_unknown_fields(struct: type[msgspec.Struct]) -> None:
    config = struct.__struct_config__
    assert config.frozen
    assert not config.forbid_unknown_fields, "a newer peer may say more"


def test_an_unknown_field_of_a_newer_page_is_ignored() -> None:
    assert decode_client(b'{"t":"take_phone","id":"p-1","why":"because"}') == commands.TakePhone("p-1")


def test_tags_are_told_apart_across_both_directions() -> None:
    tags = [tag_of(m) for m in (*get_args(messages.ClientMessage), *get_args(messages.GatewayMessage))]
    assert len(tags) == len(set(tags))


def test_an_absent_default_takes_no_room() -> None:
    assert encode(messages.Done("p-1")) == b'{"t":"done","id":"p-1"}'
    assert encode(messages.Delta(3, calls_gone=("c1",))) == b'{"t":"delta","seq":3,"calls_gone":["c1"]}'


def test_an_empty_state_names_its_parts_so_that_a_page_need_not_guess() -> None:
    assert encode(entities.State()) == b'{"calls":{},"lines":{},"phone":{"tab":null}}'
