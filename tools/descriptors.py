"""Renews Sources/Intake/GRPC/GRPCDescriptors.swift: the files that server reflection hands out.

Needs what the process tests need: .venv/bin/python tools/descriptors.py > Sources/Intake/GRPC/GRPCDescriptors.swift
"""

import base64
import textwrap

from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from google.protobuf import descriptor_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


def files():
    """Every file once, after those that it imports."""
    found = {}

    def add(descriptor):
        for dependency in descriptor.dependencies:
            add(dependency)
        found.setdefault(descriptor.name, descriptor.serialized_pb)

    for module in [health_pb2, reflection_pb2, logs_service_pb2, metrics_service_pb2, trace_service_pb2]:
        add(module.DESCRIPTOR)
    # The same words under the package of the first release.
    twin = descriptor_pb2.FileDescriptorProto.FromString(found["grpc_reflection/v1alpha/reflection.proto"])
    twin.name = "grpc_reflection/v1/reflection.proto"
    twin.package = "grpc.reflection.v1"
    rename(twin)
    found[twin.name] = twin.SerializeToString()
    return found


def rename(file):
    def new(name):
        return name.replace(".grpc.reflection.v1alpha.", ".grpc.reflection.v1.")

    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = new(field.type_name)
    for service in file.service:
        for method in service.method:
            method.input_type = new(method.input_type)
            method.output_type = new(method.output_type)
    file.ClearField("options")


HEAD = '''// swift-format-ignore-file
/// The files that server reflection hands out, as protoc compiles them: names and numbers of the OpenTelemetry protocol, of
/// the health service and of reflection itself. Made by `tools/descriptors.py`; never changed by hand.
enum GRPCDescriptors {
  struct File: Sendable {
    var name: String
    var imports: [String]
    /// All that the file declares: services, messages and enumerations, with those inside them.
    var symbols: Set<String>
    var base64: String
  }

  /// The file and all that it imports, itself first; empty: there is none.
  static func files(named name: String) -> [[UInt8]] {
    var names = [name]
    var at = 0
    while at < names.count {
      for more in all.first(where: { $0.name == names[at] })?.imports ?? [] where !names.contains(more) {
        names.append(more)
      }
      at += 1
    }
    return names.compactMap { name in
      all.first { $0.name == name }.flatMap { file in
        Array(file.base64.utf8).withUnsafeBufferPointer { Base64.decoded($0) }
      }
    }
  }

  /// `symbol`: a full name; of a method or field, that of what it belongs to is enough.
  static func files(describing symbol: String) -> [[UInt8]] {
    let parent = symbol.split(separator: ".").dropLast().joined(separator: ".")
    guard let file = all.first(where: { $0.symbols.contains(symbol) || $0.symbols.contains(parent) }) else { return [] }
    return files(named: file.name)
  }

  static let all: [File] = [
'''


def symbols(file):
    def inside(prefix, messages, enums):
        for enum in enums:
            yield f"{prefix}.{enum.name}"
        for message in messages:
            yield f"{prefix}.{message.name}"
            yield from inside(f"{prefix}.{message.name}", message.nested_type, message.enum_type)

    yield from inside(file.package, file.message_type, file.enum_type)
    for service in file.service:
        yield f"{file.package}.{service.name}"


def main():
    print(HEAD, end="")
    for name, text in files().items():
        file = descriptor_pb2.FileDescriptorProto.FromString(text)
        print(f'    File(\n      name: "{name}",\n      imports: [')
        for word in file.dependency:
            print(f'        "{word}",')
        print("      ],\n      symbols: [")
        for word in sorted(symbols(file)):
            print(f'        "{word}",')
        print("      ],\n      base64: \"\"\"")
        lines = textwrap.wrap(base64.b64encode(text).decode(), 100)
        print("\\\n".join(f"        {line}" for line in lines))
        print('        """),')
    print("  ]\n}")


if __name__ == "__main__":
    main()
