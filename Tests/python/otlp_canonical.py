"""OTLP messages as plain values that can be compared field by field: what counts as the same, in one place.

Everything is found by walking the descriptors of the official package, so a field that is new there is compared too.
"""

from google.protobuf.descriptor import FieldDescriptor

# Where an absent message says nothing else than an empty one (CONFORMANCE DM-09, JSON-15).
ABSENT_IS_EMPTY = {"resource", "scope", "status", "value"}

# String indexes belong to profiles and count as unset elsewhere (CONFORMANCE PROF-05).
STRING_INDEXES = {"key_strindex", "string_value_strindex"}

# Lists of KeyValue are maps: their order is not meaningful, and of equal keys the last wins (CONFORMANCE DM-05, DM-09).
MAPS = {"attributes", "filtered_attributes", "metadata"}

# All-zero ids are unset (CONFORMANCE TR-02, LOG-05, MET-09).
IDS = {"trace_id", "span_id", "parent_span_id"}

LEVELS = {"resource_spans", "resource_logs", "resource_metrics", "scope_spans", "scope_logs", "scope_metrics"}
ITEMS = {"spans", "log_records", "metrics"}


def records(request):
    """Every span, log record and point of a request with all that lies around it: ``(resource, scope, item)``."""
    for resource in _only(request):
        for scope in _only(resource):
            for item in _only(scope):
                around = (_level(resource), _level(scope))
                if item.DESCRIPTOR.name != "Metric":
                    yield (*around, canonical(item))
                    continue
                kind = item.WhichOneof("data")
                for point in getattr(item, kind).data_points if kind else []:
                    yield (*around, _metric(item, kind, canonical(point)))


def _only(message):
    name, = [field.name for field in message.DESCRIPTOR.fields if field.name in LEVELS | ITEMS]
    return getattr(message, name)


def _level(message):
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields
            if field.name not in LEVELS | ITEMS and _is_set(message, field)}


def _metric(metric, kind, point):
    whole = canonical(metric)
    whole[kind] = {name: value for name, value in whole[kind].items() if name != "data_points"} | {"point": point}
    return whole


def canonical(message):
    """A message as nested dictionaries, lists and tuples; members that are not set are left out."""
    name = message.DESCRIPTOR.name
    if name == "AnyValue":
        return any_value(message)
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields if _is_set(message, field)}


def any_value(message):
    kind = message.WhichOneof("value")
    if kind is None or kind in STRING_INDEXES:
        return None
    value = getattr(message, kind)
    if kind == "array_value":
        return [any_value(element) for element in value.values]
    if kind == "kvlist_value":
        return key_values(value.values)
    if kind == "double_value":
        return (kind, number(value))
    return (kind, value)


def key_values(pairs):
    return {pair.key: any_value(pair.value) for pair in pairs}


def number(value):
    """Doubles by what they say: -0.0 is not 0.0, every NaN is the same one."""
    return "NaN" if value != value else repr(value)


def _is_set(message, field):
    if field.name in STRING_INDEXES:
        return False
    if field.name in IDS and not any(getattr(message, field.name)):
        return False
    if field.is_repeated:
        return len(_kept(message, field)) > 0
    if field.message_type and field.name in ABSENT_IS_EMPTY:
        return canonical(getattr(message, field.name)) not in ({}, None)
    if field.has_presence:
        return message.HasField(field.name)
    value = getattr(message, field.name)
    return number(value) != "0.0" if field.type == FieldDescriptor.TYPE_DOUBLE else bool(value)


def _kept(message, field):
    values = getattr(message, field.name)
    # Exemplars that are none are dropped alone (CONFORMANCE MET-09).
    return [value for value in values if is_exemplar(value)] if field.name == "exemplars" else values


def is_exemplar(message):
    return (message.WhichOneof("value") is not None and len(message.trace_id) in (0, 16)
            and len(message.span_id) in (0, 8))


def _field(message, field):
    if field.is_repeated:
        values = _kept(message, field)
        if field.name in MAPS:
            return key_values(values)
        return [_single(value, field) for value in values]
    return _single(getattr(message, field.name), field)


def _single(value, field):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return canonical(value)
    return number(value) if field.type == FieldDescriptor.TYPE_DOUBLE else value


# MARK: differences

def differences(left, right, path=""):
    """Paths at which two values differ, with both: ``["[2].attributes.a: 1 != 2"]``."""
    if type(left) is not type(right):
        return [f"{path}: {short(left)} != {short(right)}"]
    if isinstance(left, dict):
        found = []
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                found.append(f"{path}.{key}: {short(left.get(key, '(absent)'))} != {short(right.get(key, '(absent)'))}")
            else:
                found += differences(left[key], right[key], f"{path}.{key}")
        return found
    if isinstance(left, (list, tuple)) and len(left) == len(right):
        return [line for index, pair in enumerate(zip(left, right, strict=True))
                for line in differences(*pair, f"{path}[{index}]")]
    return [] if left == right else [f"{path}: {short(left)} != {short(right)}"]


def short(value):
    text = ascii(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


def compare(expected, found, limit=5):
    """What two multisets do not have in common, each with the nearest of the other side; empty: nothing."""
    missing, surplus = _without(expected, found), _without(found, expected)
    lines = []
    if missing or surplus:
        lines.append(f"{len(missing)} of {len(expected)} are missing, {len(surplus)} of {len(found)} are surplus")
    for item in missing[:limit]:
        near = min((differences(item, other) for other in surplus), key=len, default=None)
        lines += [f"missing: {short(item)}"] if near is None else ["not the same:", *near[:20]]
    if not missing:
        lines += [f"surplus: {short(item)}" for item in surplus[:limit]]
    return "\n".join(lines)


def _without(some, others):
    left = {}
    for item in others:
        left[ascii(_sorted(item))] = left.get(ascii(_sorted(item)), 0) + 1
    rest = []
    for item in some:
        key = ascii(_sorted(item))
        if left.get(key, 0) > 0:
            left[key] -= 1
        else:
            rest.append(item)
    return rest


def _sorted(value):
    """The same with the members of every dictionary in one order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return type(value)(_sorted(element) for element in value) if isinstance(value, (list, tuple)) else value
