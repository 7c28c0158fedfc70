"""OTLP/JSON by the letter of its mapping (CONFORMANCE JSON): a writer with the liberties that senders take, and a
reader that takes none. `json_format` of the official package cannot do either: ids of OTLP are hexadecimal."""

import base64
import json
import math

from google.protobuf.descriptor import FieldDescriptor as Field

HEX = {"trace_id", "span_id", "parent_span_id"}
LONG = {Field.TYPE_INT64, Field.TYPE_UINT64, Field.TYPE_FIXED64, Field.TYPE_SFIXED64, Field.TYPE_SINT64}
FLOATING = {Field.TYPE_DOUBLE, Field.TYPE_FLOAT}
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Writer:
    """Messages as OTLP/JSON; `random` chooses among the forms that a reader has to take as the same."""

    def __init__(self, random):
        self.random = random

    def text(self, message):
        return json.dumps(self.object(message), ensure_ascii=self.random.random() < 0.5).encode()

    def object(self, message):
        members = []
        for field in message.DESCRIPTOR.fields:
            if field.is_repeated:
                values = getattr(message, field.name)
                if values or self.sometimes():
                    members.append((camel(field.name), [self.value(value, field) for value in values]))
            elif message.HasField(field.name) if field.has_presence else self.is_written(message, field):
                members.append((camel(field.name), self.value(getattr(message, field.name), field)))
            elif self.sometimes():
                members.append((camel(field.name), None))
        if self.sometimes():
            members.append(("unknownMember", {"@type": [1, None, {"deep": {}}], "traceId": "no id"}))
        self.random.shuffle(members)
        return dict(members)

    def is_written(self, message, field):
        value = getattr(message, field.name)
        return bool(value) or (value == 0 and math.copysign(1, value) < 0 if field.type in FLOATING else False) \
            or self.sometimes()

    def sometimes(self):
        return self.random.random() < 0.02

    def value(self, value, field):
        if field.type == Field.TYPE_MESSAGE:
            return self.object(value)
        if field.type == Field.TYPE_BYTES:
            return self.id(value) if field.name in HEX else self.base64(value)
        if field.type in FLOATING:
            return self.double(value)
        if field.type in LONG:
            return str(value) if self.random.random() < 0.7 else value
        if field.type in (Field.TYPE_STRING, Field.TYPE_BOOL, Field.TYPE_ENUM):
            return value
        return str(value) if self.sometimes() else value

    def id(self, value):
        return value.hex() if self.random.random() < 0.8 else value.hex().upper()

    def base64(self, value):
        if self.random.random() < 0.8:
            return base64.b64encode(value).decode()
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    def double(self, value):
        if math.isfinite(value):
            return repr(value) if self.sometimes() else value
        return next(name for name, other in NOT_FINITE.items() if repr(other) == repr(value))


class Reader:
    """Takes exactly what a writer has to write (CONFORMANCE JSON-13), if not `strict` also members that say nothing.
    `aside` are members beside those of OTLP."""

    def __init__(self, message_class, aside=(), strict=True):
        self.message_class = message_class
        self.aside = set(aside)
        self.strict = strict

    def read(self, line):
        whole = json.loads(line, object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_integer)
        message = self.message_class()
        self.fill(message, {name: value for name, value in whole.items() if name not in self.aside}, "")
        return message

    def fill(self, message, members, path):
        fields = {camel(field.name): field for field in message.DESCRIPTOR.fields}
        assert isinstance(members, dict), f"{path} is no object"
        for name, value in members.items():
            here = f"{path}.{name}"
            assert name in fields, f"{here} is no member of {message.DESCRIPTOR.full_name}"
            assert value is not None, f"{here} is null"
            self.set(message, fields[name], value, here)

    def set(self, message, field, value, path):
        if field.is_repeated:
            assert isinstance(value, list), f"{path} is no array"
            values = getattr(message, field.name)
            for index, element in enumerate(value):
                if field.type == Field.TYPE_MESSAGE:
                    self.fill(values.add(), element, f"{path}[{index}]")
                else:
                    values.append(self.scalar(field, element, f"{path}[{index}]"))
        elif field.type == Field.TYPE_MESSAGE:
            if field.containing_oneof:
                assert message.WhichOneof(field.containing_oneof.name) is None, f"{path} is a second one of its oneof"
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name), value, path)
        else:
            scalar = self.scalar(field, value, path)
            if self.strict and not field.has_presence:
                assert scalar or repr(scalar) == "-0.0", f"{path} is written though it is {value!r}"
            setattr(message, field.name, scalar)

    def scalar(self, field, value, path):
        if field.type == Field.TYPE_STRING:
            assert isinstance(value, str), path
            return value
        if field.type == Field.TYPE_BYTES:
            assert isinstance(value, str), path
            if field.name in HEX:
                assert value == value.lower(), f"{path} is not in lower case"
                return bytes.fromhex(value)
            return base64.b64decode(value, validate=True)
        if field.type in FLOATING:
            if isinstance(value, str):
                return NOT_FINITE[value]
            assert isinstance(value, (int, float)) and not isinstance(value, bool), path
            return float(value)
        if field.type == Field.TYPE_BOOL:
            assert isinstance(value, bool), path
            return value
        if field.type in LONG:
            assert isinstance(value, str) and value == str(int(value)), f"{path} is not a string of digits: {value!r}"
            return int(value)
        assert isinstance(value, int) and not isinstance(value, bool), f"{path} is no integer: {value!r}"
        return value


def _unique(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member comes twice: {names}"
    return dict(pairs)


def _integer(digits):
    return -0.0 if digits == "-0" else int(digits)


def _refuse(constant):
    raise AssertionError(f"{constant} is no JSON")
