// swift-format-ignore-file
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
    File(
      name: "grpc_health/v1/health.proto",
      imports: [
      ],
      symbols: [
        "grpc.health.v1.Health",
        "grpc.health.v1.HealthCheckRequest",
        "grpc.health.v1.HealthCheckResponse",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.health.v1.HealthListRequest",
        "grpc.health.v1.HealthListResponse",
        "grpc.health.v1.HealthListResponse.StatusesEntry",
      ],
      base64: """
        ChtncnBjX2hlYWx0aC92MS9oZWFsdGgucHJvdG8SDmdycGMuaGVhbHRoLnYxIiUKEkhlYWx0aENoZWNrUmVxdWVzdBIPCgdzZXJ2\
        aWNlGAEgASgJIqkBChNIZWFsdGhDaGVja1Jlc3BvbnNlEkEKBnN0YXR1cxgBIAEoDjIxLmdycGMuaGVhbHRoLnYxLkhlYWx0aENo\
        ZWNrUmVzcG9uc2UuU2VydmluZ1N0YXR1cyJPCg1TZXJ2aW5nU3RhdHVzEgsKB1VOS05PV04QABILCgdTRVJWSU5HEAESDwoLTk9U\
        X1NFUlZJTkcQAhITCg9TRVJWSUNFX1VOS05PV04QAyITChFIZWFsdGhMaXN0UmVxdWVzdCKuAQoSSGVhbHRoTGlzdFJlc3BvbnNl\
        EkIKCHN0YXR1c2VzGAEgAygLMjAuZ3JwYy5oZWFsdGgudjEuSGVhbHRoTGlzdFJlc3BvbnNlLlN0YXR1c2VzRW50cnkaVAoNU3Rh\
        dHVzZXNFbnRyeRILCgNrZXkYASABKAkSMgoFdmFsdWUYAiABKAsyIy5ncnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1Jlc3BvbnNl\
        OgI4ATL9AQoGSGVhbHRoElAKBUNoZWNrEiIuZ3JwYy5oZWFsdGgudjEuSGVhbHRoQ2hlY2tSZXF1ZXN0GiMuZ3JwYy5oZWFsdGgu\
        djEuSGVhbHRoQ2hlY2tSZXNwb25zZRJNCgRMaXN0EiEuZ3JwYy5oZWFsdGgudjEuSGVhbHRoTGlzdFJlcXVlc3QaIi5ncnBjLmhl\
        YWx0aC52MS5IZWFsdGhMaXN0UmVzcG9uc2USUgoFV2F0Y2gSIi5ncnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1JlcXVlc3QaIy5n\
        cnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1Jlc3BvbnNlMAFCcAoRaW8uZ3JwYy5oZWFsdGgudjFCC0hlYWx0aFByb3RvUAFaLGdv\
        b2dsZS5nb2xhbmcub3JnL2dycGMvaGVhbHRoL2dycGNfaGVhbHRoX3YxogIMR3JwY0hlYWx0aFYxqgIOR3JwYy5IZWFsdGguVjFi\
        BnByb3RvMw==
        """),
    File(
      name: "grpc_reflection/v1alpha/reflection.proto",
      imports: [
      ],
      symbols: [
        "grpc.reflection.v1alpha.ErrorResponse",
        "grpc.reflection.v1alpha.ExtensionNumberResponse",
        "grpc.reflection.v1alpha.ExtensionRequest",
        "grpc.reflection.v1alpha.FileDescriptorResponse",
        "grpc.reflection.v1alpha.ListServiceResponse",
        "grpc.reflection.v1alpha.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflectionRequest",
        "grpc.reflection.v1alpha.ServerReflectionResponse",
        "grpc.reflection.v1alpha.ServiceResponse",
      ],
      base64: """
        CihncnBjX3JlZmxlY3Rpb24vdjFhbHBoYS9yZWZsZWN0aW9uLnByb3RvEhdncnBjLnJlZmxlY3Rpb24udjFhbHBoYSKKAgoXU2Vy\
        dmVyUmVmbGVjdGlvblJlcXVlc3QSDAoEaG9zdBgBIAEoCRIaChBmaWxlX2J5X2ZpbGVuYW1lGAMgASgJSAASIAoWZmlsZV9jb250\
        YWluaW5nX3N5bWJvbBgEIAEoCUgAEk4KGWZpbGVfY29udGFpbmluZ19leHRlbnNpb24YBSABKAsyKS5ncnBjLnJlZmxlY3Rpb24u\
        djFhbHBoYS5FeHRlbnNpb25SZXF1ZXN0SAASJwodYWxsX2V4dGVuc2lvbl9udW1iZXJzX29mX3R5cGUYBiABKAlIABIXCg1saXN0\
        X3NlcnZpY2VzGAcgASgJSABCEQoPbWVzc2FnZV9yZXF1ZXN0IkUKEEV4dGVuc2lvblJlcXVlc3QSFwoPY29udGFpbmluZ190eXBl\
        GAEgASgJEhgKEGV4dGVuc2lvbl9udW1iZXIYAiABKAUi0QMKGFNlcnZlclJlZmxlY3Rpb25SZXNwb25zZRISCgp2YWxpZF9ob3N0\
        GAEgASgJEkoKEG9yaWdpbmFsX3JlcXVlc3QYAiABKAsyMC5ncnBjLnJlZmxlY3Rpb24udjFhbHBoYS5TZXJ2ZXJSZWZsZWN0aW9u\
        UmVxdWVzdBJTChhmaWxlX2Rlc2NyaXB0b3JfcmVzcG9uc2UYBCABKAsyLy5ncnBjLnJlZmxlY3Rpb24udjFhbHBoYS5GaWxlRGVz\
        Y3JpcHRvclJlc3BvbnNlSAASWgoeYWxsX2V4dGVuc2lvbl9udW1iZXJzX3Jlc3BvbnNlGAUgASgLMjAuZ3JwYy5yZWZsZWN0aW9u\
        LnYxYWxwaGEuRXh0ZW5zaW9uTnVtYmVyUmVzcG9uc2VIABJOChZsaXN0X3NlcnZpY2VzX3Jlc3BvbnNlGAYgASgLMiwuZ3JwYy5y\
        ZWZsZWN0aW9uLnYxYWxwaGEuTGlzdFNlcnZpY2VSZXNwb25zZUgAEkAKDmVycm9yX3Jlc3BvbnNlGAcgASgLMiYuZ3JwYy5yZWZs\
        ZWN0aW9uLnYxYWxwaGEuRXJyb3JSZXNwb25zZUgAQhIKEG1lc3NhZ2VfcmVzcG9uc2UiNwoWRmlsZURlc2NyaXB0b3JSZXNwb25z\
        ZRIdChVmaWxlX2Rlc2NyaXB0b3JfcHJvdG8YASADKAwiSwoXRXh0ZW5zaW9uTnVtYmVyUmVzcG9uc2USFgoOYmFzZV90eXBlX25h\
        bWUYASABKAkSGAoQZXh0ZW5zaW9uX251bWJlchgCIAMoBSJQChNMaXN0U2VydmljZVJlc3BvbnNlEjkKB3NlcnZpY2UYASADKAsy\
        KC5ncnBjLnJlZmxlY3Rpb24udjFhbHBoYS5TZXJ2aWNlUmVzcG9uc2UiHwoPU2VydmljZVJlc3BvbnNlEgwKBG5hbWUYASABKAki\
        OgoNRXJyb3JSZXNwb25zZRISCgplcnJvcl9jb2RlGAEgASgFEhUKDWVycm9yX21lc3NhZ2UYAiABKAkykwEKEFNlcnZlclJlZmxl\
        Y3Rpb24SfwoUU2VydmVyUmVmbGVjdGlvbkluZm8SMC5ncnBjLnJlZmxlY3Rpb24udjFhbHBoYS5TZXJ2ZXJSZWZsZWN0aW9uUmVx\
        dWVzdBoxLmdycGMucmVmbGVjdGlvbi52MWFscGhhLlNlcnZlclJlZmxlY3Rpb25SZXNwb25zZSgBMAFCcwoaaW8uZ3JwYy5yZWZs\
        ZWN0aW9uLnYxYWxwaGFCFVNlcnZlclJlZmxlY3Rpb25Qcm90b1ABWjlnb29nbGUuZ29sYW5nLm9yZy9ncnBjL3JlZmxlY3Rpb24v\
        Z3JwY19yZWZsZWN0aW9uX3YxYWxwaGG4AQFiBnByb3RvMw==
        """),
    File(
      name: "opentelemetry/proto/common/v1/common.proto",
      imports: [
      ],
      symbols: [
        "opentelemetry.proto.common.v1.AnyValue",
        "opentelemetry.proto.common.v1.ArrayValue",
        "opentelemetry.proto.common.v1.EntityRef",
        "opentelemetry.proto.common.v1.InstrumentationScope",
        "opentelemetry.proto.common.v1.KeyValue",
        "opentelemetry.proto.common.v1.KeyValueList",
      ],
      base64: """
        CipvcGVudGVsZW1ldHJ5L3Byb3RvL2NvbW1vbi92MS9jb21tb24ucHJvdG8SHW9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9uLnYx\
        Iq0CCghBbnlWYWx1ZRIWCgxzdHJpbmdfdmFsdWUYASABKAlIABIUCgpib29sX3ZhbHVlGAIgASgISAASEwoJaW50X3ZhbHVlGAMg\
        ASgDSAASFgoMZG91YmxlX3ZhbHVlGAQgASgBSAASQAoLYXJyYXlfdmFsdWUYBSABKAsyKS5vcGVudGVsZW1ldHJ5LnByb3RvLmNv\
        bW1vbi52MS5BcnJheVZhbHVlSAASQwoMa3ZsaXN0X3ZhbHVlGAYgASgLMisub3BlbnRlbGVtZXRyeS5wcm90by5jb21tb24udjEu\
        S2V5VmFsdWVMaXN0SAASFQoLYnl0ZXNfdmFsdWUYByABKAxIABIfChVzdHJpbmdfdmFsdWVfc3RyaW5kZXgYCCABKAVIAEIHCgV2\
        YWx1ZSJFCgpBcnJheVZhbHVlEjcKBnZhbHVlcxgBIAMoCzInLm9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9uLnYxLkFueVZhbHVl\
        IkcKDEtleVZhbHVlTGlzdBI3CgZ2YWx1ZXMYASADKAsyJy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZSJl\
        CghLZXlWYWx1ZRILCgNrZXkYASABKAkSNgoFdmFsdWUYAiABKAsyJy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5BbnlW\
        YWx1ZRIUCgxrZXlfc3RyaW5kZXgYAyABKAUilAEKFEluc3RydW1lbnRhdGlvblNjb3BlEgwKBG5hbWUYASABKAkSDwoHdmVyc2lv\
        bhgCIAEoCRI7CgphdHRyaWJ1dGVzGAMgAygLMicub3BlbnRlbGVtZXRyeS5wcm90by5jb21tb24udjEuS2V5VmFsdWUSIAoYZHJv\
        cHBlZF9hdHRyaWJ1dGVzX2NvdW50GAQgASgNIlgKCUVudGl0eVJlZhISCgpzY2hlbWFfdXJsGAEgASgJEgwKBHR5cGUYAiABKAkS\
        DwoHaWRfa2V5cxgDIAMoCRIYChBkZXNjcmlwdGlvbl9rZXlzGAQgAygJQnsKIGlvLm9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9u\
        LnYxQgtDb21tb25Qcm90b1ABWihnby5vcGVudGVsZW1ldHJ5LmlvL3Byb3RvL290bHAvY29tbW9uL3YxqgIdT3BlblRlbGVtZXRy\
        eS5Qcm90by5Db21tb24uVjFiBnByb3RvMw==
        """),
    File(
      name: "opentelemetry/proto/resource/v1/resource.proto",
      imports: [
        "opentelemetry/proto/common/v1/common.proto",
      ],
      symbols: [
        "opentelemetry.proto.resource.v1.Resource",
      ],
      base64: """
        Ci5vcGVudGVsZW1ldHJ5L3Byb3RvL3Jlc291cmNlL3YxL3Jlc291cmNlLnByb3RvEh9vcGVudGVsZW1ldHJ5LnByb3RvLnJlc291\
        cmNlLnYxGipvcGVudGVsZW1ldHJ5L3Byb3RvL2NvbW1vbi92MS9jb21tb24ucHJvdG8iqAEKCFJlc291cmNlEjsKCmF0dHJpYnV0\
        ZXMYASADKAsyJy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZRIgChhkcm9wcGVkX2F0dHJpYnV0ZXNfY291\
        bnQYAiABKA0SPQoLZW50aXR5X3JlZnMYAyADKAsyKC5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5FbnRpdHlSZWZCgwEK\
        ImlvLm9wZW50ZWxlbWV0cnkucHJvdG8ucmVzb3VyY2UudjFCDVJlc291cmNlUHJvdG9QAVoqZ28ub3BlbnRlbGVtZXRyeS5pby9w\
        cm90by9vdGxwL3Jlc291cmNlL3YxqgIfT3BlblRlbGVtZXRyeS5Qcm90by5SZXNvdXJjZS5WMWIGcHJvdG8z
        """),
    File(
      name: "opentelemetry/proto/logs/v1/logs.proto",
      imports: [
        "opentelemetry/proto/common/v1/common.proto",
        "opentelemetry/proto/resource/v1/resource.proto",
      ],
      symbols: [
        "opentelemetry.proto.logs.v1.LogRecord",
        "opentelemetry.proto.logs.v1.LogRecordFlags",
        "opentelemetry.proto.logs.v1.LogsData",
        "opentelemetry.proto.logs.v1.ResourceLogs",
        "opentelemetry.proto.logs.v1.ScopeLogs",
        "opentelemetry.proto.logs.v1.SeverityNumber",
      ],
      base64: """
        CiZvcGVudGVsZW1ldHJ5L3Byb3RvL2xvZ3MvdjEvbG9ncy5wcm90bxIbb3BlbnRlbGVtZXRyeS5wcm90by5sb2dzLnYxGipvcGVu\
        dGVsZW1ldHJ5L3Byb3RvL2NvbW1vbi92MS9jb21tb24ucHJvdG8aLm9wZW50ZWxlbWV0cnkvcHJvdG8vcmVzb3VyY2UvdjEvcmVz\
        b3VyY2UucHJvdG8iTAoITG9nc0RhdGESQAoNcmVzb3VyY2VfbG9ncxgBIAMoCzIpLm9wZW50ZWxlbWV0cnkucHJvdG8ubG9ncy52\
        MS5SZXNvdXJjZUxvZ3MiowEKDFJlc291cmNlTG9ncxI7CghyZXNvdXJjZRgBIAEoCzIpLm9wZW50ZWxlbWV0cnkucHJvdG8ucmVz\
        b3VyY2UudjEuUmVzb3VyY2USOgoKc2NvcGVfbG9ncxgCIAMoCzImLm9wZW50ZWxlbWV0cnkucHJvdG8ubG9ncy52MS5TY29wZUxv\
        Z3MSEgoKc2NoZW1hX3VybBgDIAEoCUoGCOgHEOkHIqABCglTY29wZUxvZ3MSQgoFc2NvcGUYASABKAsyMy5vcGVudGVsZW1ldHJ5\
        LnByb3RvLmNvbW1vbi52MS5JbnN0cnVtZW50YXRpb25TY29wZRI7Cgtsb2dfcmVjb3JkcxgCIAMoCzImLm9wZW50ZWxlbWV0cnku\
        cHJvdG8ubG9ncy52MS5Mb2dSZWNvcmQSEgoKc2NoZW1hX3VybBgDIAEoCSKDAwoJTG9nUmVjb3JkEhYKDnRpbWVfdW5peF9uYW5v\
        GAEgASgGEh8KF29ic2VydmVkX3RpbWVfdW5peF9uYW5vGAsgASgGEkQKD3NldmVyaXR5X251bWJlchgCIAEoDjIrLm9wZW50ZWxl\
        bWV0cnkucHJvdG8ubG9ncy52MS5TZXZlcml0eU51bWJlchIVCg1zZXZlcml0eV90ZXh0GAMgASgJEjUKBGJvZHkYBSABKAsyJy5v\
        cGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5BbnlWYWx1ZRI7CgphdHRyaWJ1dGVzGAYgAygLMicub3BlbnRlbGVtZXRyeS5w\
        cm90by5jb21tb24udjEuS2V5VmFsdWUSIAoYZHJvcHBlZF9hdHRyaWJ1dGVzX2NvdW50GAcgASgNEg0KBWZsYWdzGAggASgHEhAK\
        CHRyYWNlX2lkGAkgASgMEg8KB3NwYW5faWQYCiABKAwSEgoKZXZlbnRfbmFtZRgMIAEoCUoECAQQBSrDBQoOU2V2ZXJpdHlOdW1i\
        ZXISHwobU0VWRVJJVFlfTlVNQkVSX1VOU1BFQ0lGSUVEEAASGQoVU0VWRVJJVFlfTlVNQkVSX1RSQUNFEAESGgoWU0VWRVJJVFlf\
        TlVNQkVSX1RSQUNFMhACEhoKFlNFVkVSSVRZX05VTUJFUl9UUkFDRTMQAxIaChZTRVZFUklUWV9OVU1CRVJfVFJBQ0U0EAQSGQoV\
        U0VWRVJJVFlfTlVNQkVSX0RFQlVHEAUSGgoWU0VWRVJJVFlfTlVNQkVSX0RFQlVHMhAGEhoKFlNFVkVSSVRZX05VTUJFUl9ERUJV\
        RzMQBxIaChZTRVZFUklUWV9OVU1CRVJfREVCVUc0EAgSGAoUU0VWRVJJVFlfTlVNQkVSX0lORk8QCRIZChVTRVZFUklUWV9OVU1C\
        RVJfSU5GTzIQChIZChVTRVZFUklUWV9OVU1CRVJfSU5GTzMQCxIZChVTRVZFUklUWV9OVU1CRVJfSU5GTzQQDBIYChRTRVZFUklU\
        WV9OVU1CRVJfV0FSThANEhkKFVNFVkVSSVRZX05VTUJFUl9XQVJOMhAOEhkKFVNFVkVSSVRZX05VTUJFUl9XQVJOMxAPEhkKFVNF\
        VkVSSVRZX05VTUJFUl9XQVJONBAQEhkKFVNFVkVSSVRZX05VTUJFUl9FUlJPUhAREhoKFlNFVkVSSVRZX05VTUJFUl9FUlJPUjIQ\
        EhIaChZTRVZFUklUWV9OVU1CRVJfRVJST1IzEBMSGgoWU0VWRVJJVFlfTlVNQkVSX0VSUk9SNBAUEhkKFVNFVkVSSVRZX05VTUJF\
        Ul9GQVRBTBAVEhoKFlNFVkVSSVRZX05VTUJFUl9GQVRBTDIQFhIaChZTRVZFUklUWV9OVU1CRVJfRkFUQUwzEBcSGgoWU0VWRVJJ\
        VFlfTlVNQkVSX0ZBVEFMNBAYKlkKDkxvZ1JlY29yZEZsYWdzEh8KG0xPR19SRUNPUkRfRkxBR1NfRE9fTk9UX1VTRRAAEiYKIUxP\
        R19SRUNPUkRfRkxBR1NfVFJBQ0VfRkxBR1NfTUFTSxD/AUJzCh5pby5vcGVudGVsZW1ldHJ5LnByb3RvLmxvZ3MudjFCCUxvZ3NQ\
        cm90b1ABWiZnby5vcGVudGVsZW1ldHJ5LmlvL3Byb3RvL290bHAvbG9ncy92MaoCG09wZW5UZWxlbWV0cnkuUHJvdG8uTG9ncy5W\
        MWIGcHJvdG8z
        """),
    File(
      name: "opentelemetry/proto/collector/logs/v1/logs_service.proto",
      imports: [
        "opentelemetry/proto/logs/v1/logs.proto",
      ],
      symbols: [
        "opentelemetry.proto.collector.logs.v1.ExportLogsPartialSuccess",
        "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
        "opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse",
        "opentelemetry.proto.collector.logs.v1.LogsService",
      ],
      base64: """
        CjhvcGVudGVsZW1ldHJ5L3Byb3RvL2NvbGxlY3Rvci9sb2dzL3YxL2xvZ3Nfc2VydmljZS5wcm90bxIlb3BlbnRlbGVtZXRyeS5w\
        cm90by5jb2xsZWN0b3IubG9ncy52MRomb3BlbnRlbGVtZXRyeS9wcm90by9sb2dzL3YxL2xvZ3MucHJvdG8iXAoYRXhwb3J0TG9n\
        c1NlcnZpY2VSZXF1ZXN0EkAKDXJlc291cmNlX2xvZ3MYASADKAsyKS5vcGVudGVsZW1ldHJ5LnByb3RvLmxvZ3MudjEuUmVzb3Vy\
        Y2VMb2dzInUKGUV4cG9ydExvZ3NTZXJ2aWNlUmVzcG9uc2USWAoPcGFydGlhbF9zdWNjZXNzGAEgASgLMj8ub3BlbnRlbGVtZXRy\
        eS5wcm90by5jb2xsZWN0b3IubG9ncy52MS5FeHBvcnRMb2dzUGFydGlhbFN1Y2Nlc3MiTwoYRXhwb3J0TG9nc1BhcnRpYWxTdWNj\
        ZXNzEhwKFHJlamVjdGVkX2xvZ19yZWNvcmRzGAEgASgDEhUKDWVycm9yX21lc3NhZ2UYAiABKAkynQEKC0xvZ3NTZXJ2aWNlEo0B\
        CgZFeHBvcnQSPy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbGxlY3Rvci5sb2dzLnYxLkV4cG9ydExvZ3NTZXJ2aWNlUmVxdWVzdBpA\
        Lm9wZW50ZWxlbWV0cnkucHJvdG8uY29sbGVjdG9yLmxvZ3MudjEuRXhwb3J0TG9nc1NlcnZpY2VSZXNwb25zZSIAQpgBCihpby5v\
        cGVudGVsZW1ldHJ5LnByb3RvLmNvbGxlY3Rvci5sb2dzLnYxQhBMb2dzU2VydmljZVByb3RvUAFaMGdvLm9wZW50ZWxlbWV0cnku\
        aW8vcHJvdG8vb3RscC9jb2xsZWN0b3IvbG9ncy92MaoCJU9wZW5UZWxlbWV0cnkuUHJvdG8uQ29sbGVjdG9yLkxvZ3MuVjFiBnBy\
        b3RvMw==
        """),
    File(
      name: "opentelemetry/proto/metrics/v1/metrics.proto",
      imports: [
        "opentelemetry/proto/common/v1/common.proto",
        "opentelemetry/proto/resource/v1/resource.proto",
      ],
      symbols: [
        "opentelemetry.proto.metrics.v1.AggregationTemporality",
        "opentelemetry.proto.metrics.v1.DataPointFlags",
        "opentelemetry.proto.metrics.v1.Exemplar",
        "opentelemetry.proto.metrics.v1.ExponentialHistogram",
        "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint",
        "opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.Buckets",
        "opentelemetry.proto.metrics.v1.Gauge",
        "opentelemetry.proto.metrics.v1.Histogram",
        "opentelemetry.proto.metrics.v1.HistogramDataPoint",
        "opentelemetry.proto.metrics.v1.Metric",
        "opentelemetry.proto.metrics.v1.MetricsData",
        "opentelemetry.proto.metrics.v1.NumberDataPoint",
        "opentelemetry.proto.metrics.v1.ResourceMetrics",
        "opentelemetry.proto.metrics.v1.ScopeMetrics",
        "opentelemetry.proto.metrics.v1.Sum",
        "opentelemetry.proto.metrics.v1.Summary",
        "opentelemetry.proto.metrics.v1.SummaryDataPoint",
        "opentelemetry.proto.metrics.v1.SummaryDataPoint.ValueAtQuantile",
      ],
      base64: """
        CixvcGVudGVsZW1ldHJ5L3Byb3RvL21ldHJpY3MvdjEvbWV0cmljcy5wcm90bxIeb3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNz\
        LnYxGipvcGVudGVsZW1ldHJ5L3Byb3RvL2NvbW1vbi92MS9jb21tb24ucHJvdG8aLm9wZW50ZWxlbWV0cnkvcHJvdG8vcmVzb3Vy\
        Y2UvdjEvcmVzb3VyY2UucHJvdG8iWAoLTWV0cmljc0RhdGESSQoQcmVzb3VyY2VfbWV0cmljcxgBIAMoCzIvLm9wZW50ZWxlbWV0\
        cnkucHJvdG8ubWV0cmljcy52MS5SZXNvdXJjZU1ldHJpY3MirwEKD1Jlc291cmNlTWV0cmljcxI7CghyZXNvdXJjZRgBIAEoCzIp\
        Lm9wZW50ZWxlbWV0cnkucHJvdG8ucmVzb3VyY2UudjEuUmVzb3VyY2USQwoNc2NvcGVfbWV0cmljcxgCIAMoCzIsLm9wZW50ZWxl\
        bWV0cnkucHJvdG8ubWV0cmljcy52MS5TY29wZU1ldHJpY3MSEgoKc2NoZW1hX3VybBgDIAEoCUoGCOgHEOkHIp8BCgxTY29wZU1l\
        dHJpY3MSQgoFc2NvcGUYASABKAsyMy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5JbnN0cnVtZW50YXRpb25TY29wZRI3\
        CgdtZXRyaWNzGAIgAygLMiYub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLk1ldHJpYxISCgpzY2hlbWFfdXJsGAMgASgJ\
        Is0DCgZNZXRyaWMSDAoEbmFtZRgBIAEoCRITCgtkZXNjcmlwdGlvbhgCIAEoCRIMCgR1bml0GAMgASgJEjYKBWdhdWdlGAUgASgL\
        MiUub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLkdhdWdlSAASMgoDc3VtGAcgASgLMiMub3BlbnRlbGVtZXRyeS5wcm90\
        by5tZXRyaWNzLnYxLlN1bUgAEj4KCWhpc3RvZ3JhbRgJIAEoCzIpLm9wZW50ZWxlbWV0cnkucHJvdG8ubWV0cmljcy52MS5IaXN0\
        b2dyYW1IABJVChVleHBvbmVudGlhbF9oaXN0b2dyYW0YCiABKAsyNC5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJpY3MudjEuRXhw\
        b25lbnRpYWxIaXN0b2dyYW1IABI6CgdzdW1tYXJ5GAsgASgLMicub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLlN1bW1h\
        cnlIABI5CghtZXRhZGF0YRgMIAMoCzInLm9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9uLnYxLktleVZhbHVlQgYKBGRhdGFKBAgE\
        EAVKBAgGEAdKBAgIEAkiTQoFR2F1Z2USRAoLZGF0YV9wb2ludHMYASADKAsyLy5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJpY3Mu\
        djEuTnVtYmVyRGF0YVBvaW50IroBCgNTdW0SRAoLZGF0YV9wb2ludHMYASADKAsyLy5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJp\
        Y3MudjEuTnVtYmVyRGF0YVBvaW50ElcKF2FnZ3JlZ2F0aW9uX3RlbXBvcmFsaXR5GAIgASgOMjYub3BlbnRlbGVtZXRyeS5wcm90\
        by5tZXRyaWNzLnYxLkFnZ3JlZ2F0aW9uVGVtcG9yYWxpdHkSFAoMaXNfbW9ub3RvbmljGAMgASgIIq0BCglIaXN0b2dyYW0SRwoL\
        ZGF0YV9wb2ludHMYASADKAsyMi5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJpY3MudjEuSGlzdG9ncmFtRGF0YVBvaW50ElcKF2Fn\
        Z3JlZ2F0aW9uX3RlbXBvcmFsaXR5GAIgASgOMjYub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLkFnZ3JlZ2F0aW9uVGVt\
        cG9yYWxpdHkiwwEKFEV4cG9uZW50aWFsSGlzdG9ncmFtElIKC2RhdGFfcG9pbnRzGAEgAygLMj0ub3BlbnRlbGVtZXRyeS5wcm90\
        by5tZXRyaWNzLnYxLkV4cG9uZW50aWFsSGlzdG9ncmFtRGF0YVBvaW50ElcKF2FnZ3JlZ2F0aW9uX3RlbXBvcmFsaXR5GAIgASgO\
        MjYub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLkFnZ3JlZ2F0aW9uVGVtcG9yYWxpdHkiUAoHU3VtbWFyeRJFCgtkYXRh\
        X3BvaW50cxgBIAMoCzIwLm9wZW50ZWxlbWV0cnkucHJvdG8ubWV0cmljcy52MS5TdW1tYXJ5RGF0YVBvaW50IoYCCg9OdW1iZXJE\
        YXRhUG9pbnQSOwoKYXR0cmlidXRlcxgHIAMoCzInLm9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9uLnYxLktleVZhbHVlEhwKFHN0\
        YXJ0X3RpbWVfdW5peF9uYW5vGAIgASgGEhYKDnRpbWVfdW5peF9uYW5vGAMgASgGEhMKCWFzX2RvdWJsZRgEIAEoAUgAEhAKBmFz\
        X2ludBgGIAEoEEgAEjsKCWV4ZW1wbGFycxgFIAMoCzIoLm9wZW50ZWxlbWV0cnkucHJvdG8ubWV0cmljcy52MS5FeGVtcGxhchIN\
        CgVmbGFncxgIIAEoDUIHCgV2YWx1ZUoECAEQAiLmAgoSSGlzdG9ncmFtRGF0YVBvaW50EjsKCmF0dHJpYnV0ZXMYCSADKAsyJy5v\
        cGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZRIcChRzdGFydF90aW1lX3VuaXhfbmFubxgCIAEoBhIWCg50aW1l\
        X3VuaXhfbmFubxgDIAEoBhINCgVjb3VudBgEIAEoBhIQCgNzdW0YBSABKAFIAIgBARIVCg1idWNrZXRfY291bnRzGAYgAygGEhcK\
        D2V4cGxpY2l0X2JvdW5kcxgHIAMoARI7CglleGVtcGxhcnMYCCADKAsyKC5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJpY3MudjEu\
        RXhlbXBsYXISDQoFZmxhZ3MYCiABKA0SEAoDbWluGAsgASgBSAGIAQESEAoDbWF4GAwgASgBSAKIAQFCBgoEX3N1bUIGCgRfbWlu\
        QgYKBF9tYXhKBAgBEAIi2gQKHUV4cG9uZW50aWFsSGlzdG9ncmFtRGF0YVBvaW50EjsKCmF0dHJpYnV0ZXMYASADKAsyJy5vcGVu\
        dGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZRIcChRzdGFydF90aW1lX3VuaXhfbmFubxgCIAEoBhIWCg50aW1lX3Vu\
        aXhfbmFubxgDIAEoBhINCgVjb3VudBgEIAEoBhIQCgNzdW0YBSABKAFIAIgBARINCgVzY2FsZRgGIAEoERISCgp6ZXJvX2NvdW50\
        GAcgASgGElcKCHBvc2l0aXZlGAggASgLMkUub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxLkV4cG9uZW50aWFsSGlzdG9n\
        cmFtRGF0YVBvaW50LkJ1Y2tldHMSVwoIbmVnYXRpdmUYCSABKAsyRS5vcGVudGVsZW1ldHJ5LnByb3RvLm1ldHJpY3MudjEuRXhw\
        b25lbnRpYWxIaXN0b2dyYW1EYXRhUG9pbnQuQnVja2V0cxINCgVmbGFncxgKIAEoDRI7CglleGVtcGxhcnMYCyADKAsyKC5vcGVu\
        dGVsZW1ldHJ5LnByb3RvLm1ldHJpY3MudjEuRXhlbXBsYXISEAoDbWluGAwgASgBSAGIAQESEAoDbWF4GA0gASgBSAKIAQESFgoO\
        emVyb190aHJlc2hvbGQYDiABKAEaMAoHQnVja2V0cxIOCgZvZmZzZXQYASABKBESFQoNYnVja2V0X2NvdW50cxgCIAMoBEIGCgRf\
        c3VtQgYKBF9taW5CBgoEX21heCLFAgoQU3VtbWFyeURhdGFQb2ludBI7CgphdHRyaWJ1dGVzGAcgAygLMicub3BlbnRlbGVtZXRy\
        eS5wcm90by5jb21tb24udjEuS2V5VmFsdWUSHAoUc3RhcnRfdGltZV91bml4X25hbm8YAiABKAYSFgoOdGltZV91bml4X25hbm8Y\
        AyABKAYSDQoFY291bnQYBCABKAYSCwoDc3VtGAUgASgBElkKD3F1YW50aWxlX3ZhbHVlcxgGIAMoCzJALm9wZW50ZWxlbWV0cnku\
        cHJvdG8ubWV0cmljcy52MS5TdW1tYXJ5RGF0YVBvaW50LlZhbHVlQXRRdWFudGlsZRINCgVmbGFncxgIIAEoDRoyCg9WYWx1ZUF0\
        UXVhbnRpbGUSEAoIcXVhbnRpbGUYASABKAESDQoFdmFsdWUYAiABKAFKBAgBEAIiwQEKCEV4ZW1wbGFyEkQKE2ZpbHRlcmVkX2F0\
        dHJpYnV0ZXMYByADKAsyJy5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZRIWCg50aW1lX3VuaXhfbmFubxgC\
        IAEoBhITCglhc19kb3VibGUYAyABKAFIABIQCgZhc19pbnQYBiABKBBIABIPCgdzcGFuX2lkGAQgASgMEhAKCHRyYWNlX2lkGAUg\
        ASgMQgcKBXZhbHVlSgQIARACKowBChZBZ2dyZWdhdGlvblRlbXBvcmFsaXR5EicKI0FHR1JFR0FUSU9OX1RFTVBPUkFMSVRZX1VO\
        U1BFQ0lGSUVEEAASIQodQUdHUkVHQVRJT05fVEVNUE9SQUxJVFlfREVMVEEQARImCiJBR0dSRUdBVElPTl9URU1QT1JBTElUWV9D\
        VU1VTEFUSVZFEAIqXgoORGF0YVBvaW50RmxhZ3MSHwobREFUQV9QT0lOVF9GTEFHU19ET19OT1RfVVNFEAASKwonREFUQV9QT0lO\
        VF9GTEFHU19OT19SRUNPUkRFRF9WQUxVRV9NQVNLEAFCfwohaW8ub3BlbnRlbGVtZXRyeS5wcm90by5tZXRyaWNzLnYxQgxNZXRy\
        aWNzUHJvdG9QAVopZ28ub3BlbnRlbGVtZXRyeS5pby9wcm90by9vdGxwL21ldHJpY3MvdjGqAh5PcGVuVGVsZW1ldHJ5LlByb3Rv\
        Lk1ldHJpY3MuVjFiBnByb3RvMw==
        """),
    File(
      name: "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
      imports: [
        "opentelemetry/proto/metrics/v1/metrics.proto",
      ],
      symbols: [
        "opentelemetry.proto.collector.metrics.v1.ExportMetricsPartialSuccess",
        "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
        "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse",
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
      ],
      base64: """
        Cj5vcGVudGVsZW1ldHJ5L3Byb3RvL2NvbGxlY3Rvci9tZXRyaWNzL3YxL21ldHJpY3Nfc2VydmljZS5wcm90bxIob3BlbnRlbGVt\
        ZXRyeS5wcm90by5jb2xsZWN0b3IubWV0cmljcy52MRosb3BlbnRlbGVtZXRyeS9wcm90by9tZXRyaWNzL3YxL21ldHJpY3MucHJv\
        dG8iaAobRXhwb3J0TWV0cmljc1NlcnZpY2VSZXF1ZXN0EkkKEHJlc291cmNlX21ldHJpY3MYASADKAsyLy5vcGVudGVsZW1ldHJ5\
        LnByb3RvLm1ldHJpY3MudjEuUmVzb3VyY2VNZXRyaWNzIn4KHEV4cG9ydE1ldHJpY3NTZXJ2aWNlUmVzcG9uc2USXgoPcGFydGlh\
        bF9zdWNjZXNzGAEgASgLMkUub3BlbnRlbGVtZXRyeS5wcm90by5jb2xsZWN0b3IubWV0cmljcy52MS5FeHBvcnRNZXRyaWNzUGFy\
        dGlhbFN1Y2Nlc3MiUgobRXhwb3J0TWV0cmljc1BhcnRpYWxTdWNjZXNzEhwKFHJlamVjdGVkX2RhdGFfcG9pbnRzGAEgASgDEhUK\
        DWVycm9yX21lc3NhZ2UYAiABKAkyrAEKDk1ldHJpY3NTZXJ2aWNlEpkBCgZFeHBvcnQSRS5vcGVudGVsZW1ldHJ5LnByb3RvLmNv\
        bGxlY3Rvci5tZXRyaWNzLnYxLkV4cG9ydE1ldHJpY3NTZXJ2aWNlUmVxdWVzdBpGLm9wZW50ZWxlbWV0cnkucHJvdG8uY29sbGVj\
        dG9yLm1ldHJpY3MudjEuRXhwb3J0TWV0cmljc1NlcnZpY2VSZXNwb25zZSIAQqQBCitpby5vcGVudGVsZW1ldHJ5LnByb3RvLmNv\
        bGxlY3Rvci5tZXRyaWNzLnYxQhNNZXRyaWNzU2VydmljZVByb3RvUAFaM2dvLm9wZW50ZWxlbWV0cnkuaW8vcHJvdG8vb3RscC9j\
        b2xsZWN0b3IvbWV0cmljcy92MaoCKE9wZW5UZWxlbWV0cnkuUHJvdG8uQ29sbGVjdG9yLk1ldHJpY3MuVjFiBnByb3RvMw==
        """),
    File(
      name: "opentelemetry/proto/trace/v1/trace.proto",
      imports: [
        "opentelemetry/proto/common/v1/common.proto",
        "opentelemetry/proto/resource/v1/resource.proto",
      ],
      symbols: [
        "opentelemetry.proto.trace.v1.ResourceSpans",
        "opentelemetry.proto.trace.v1.ScopeSpans",
        "opentelemetry.proto.trace.v1.Span",
        "opentelemetry.proto.trace.v1.Span.Event",
        "opentelemetry.proto.trace.v1.Span.Link",
        "opentelemetry.proto.trace.v1.Span.SpanKind",
        "opentelemetry.proto.trace.v1.SpanFlags",
        "opentelemetry.proto.trace.v1.Status",
        "opentelemetry.proto.trace.v1.Status.StatusCode",
        "opentelemetry.proto.trace.v1.TracesData",
      ],
      base64: """
        CihvcGVudGVsZW1ldHJ5L3Byb3RvL3RyYWNlL3YxL3RyYWNlLnByb3RvEhxvcGVudGVsZW1ldHJ5LnByb3RvLnRyYWNlLnYxGipv\
        cGVudGVsZW1ldHJ5L3Byb3RvL2NvbW1vbi92MS9jb21tb24ucHJvdG8aLm9wZW50ZWxlbWV0cnkvcHJvdG8vcmVzb3VyY2UvdjEv\
        cmVzb3VyY2UucHJvdG8iUQoKVHJhY2VzRGF0YRJDCg5yZXNvdXJjZV9zcGFucxgBIAMoCzIrLm9wZW50ZWxlbWV0cnkucHJvdG8u\
        dHJhY2UudjEuUmVzb3VyY2VTcGFucyKnAQoNUmVzb3VyY2VTcGFucxI7CghyZXNvdXJjZRgBIAEoCzIpLm9wZW50ZWxlbWV0cnku\
        cHJvdG8ucmVzb3VyY2UudjEuUmVzb3VyY2USPQoLc2NvcGVfc3BhbnMYAiADKAsyKC5vcGVudGVsZW1ldHJ5LnByb3RvLnRyYWNl\
        LnYxLlNjb3BlU3BhbnMSEgoKc2NoZW1hX3VybBgDIAEoCUoGCOgHEOkHIpcBCgpTY29wZVNwYW5zEkIKBXNjb3BlGAEgASgLMjMu\
        b3BlbnRlbGVtZXRyeS5wcm90by5jb21tb24udjEuSW5zdHJ1bWVudGF0aW9uU2NvcGUSMQoFc3BhbnMYAiADKAsyIi5vcGVudGVs\
        ZW1ldHJ5LnByb3RvLnRyYWNlLnYxLlNwYW4SEgoKc2NoZW1hX3VybBgDIAEoCSKECAoEU3BhbhIQCgh0cmFjZV9pZBgBIAEoDBIP\
        CgdzcGFuX2lkGAIgASgMEhMKC3RyYWNlX3N0YXRlGAMgASgJEhYKDnBhcmVudF9zcGFuX2lkGAQgASgMEg0KBWZsYWdzGBAgASgH\
        EgwKBG5hbWUYBSABKAkSOQoEa2luZBgGIAEoDjIrLm9wZW50ZWxlbWV0cnkucHJvdG8udHJhY2UudjEuU3Bhbi5TcGFuS2luZBIc\
        ChRzdGFydF90aW1lX3VuaXhfbmFubxgHIAEoBhIaChJlbmRfdGltZV91bml4X25hbm8YCCABKAYSOwoKYXR0cmlidXRlcxgJIAMo\
        CzInLm9wZW50ZWxlbWV0cnkucHJvdG8uY29tbW9uLnYxLktleVZhbHVlEiAKGGRyb3BwZWRfYXR0cmlidXRlc19jb3VudBgKIAEo\
        DRI4CgZldmVudHMYCyADKAsyKC5vcGVudGVsZW1ldHJ5LnByb3RvLnRyYWNlLnYxLlNwYW4uRXZlbnQSHAoUZHJvcHBlZF9ldmVu\
        dHNfY291bnQYDCABKA0SNgoFbGlua3MYDSADKAsyJy5vcGVudGVsZW1ldHJ5LnByb3RvLnRyYWNlLnYxLlNwYW4uTGluaxIbChNk\
        cm9wcGVkX2xpbmtzX2NvdW50GA4gASgNEjQKBnN0YXR1cxgPIAEoCzIkLm9wZW50ZWxlbWV0cnkucHJvdG8udHJhY2UudjEuU3Rh\
        dHVzGowBCgVFdmVudBIWCg50aW1lX3VuaXhfbmFubxgBIAEoBhIMCgRuYW1lGAIgASgJEjsKCmF0dHJpYnV0ZXMYAyADKAsyJy5v\
        cGVudGVsZW1ldHJ5LnByb3RvLmNvbW1vbi52MS5LZXlWYWx1ZRIgChhkcm9wcGVkX2F0dHJpYnV0ZXNfY291bnQYBCABKA0arAEK\
        BExpbmsSEAoIdHJhY2VfaWQYASABKAwSDwoHc3Bhbl9pZBgCIAEoDBITCgt0cmFjZV9zdGF0ZRgDIAEoCRI7CgphdHRyaWJ1dGVz\
        GAQgAygLMicub3BlbnRlbGVtZXRyeS5wcm90by5jb21tb24udjEuS2V5VmFsdWUSIAoYZHJvcHBlZF9hdHRyaWJ1dGVzX2NvdW50\
        GAUgASgNEg0KBWZsYWdzGAYgASgHIpkBCghTcGFuS2luZBIZChVTUEFOX0tJTkRfVU5TUEVDSUZJRUQQABIWChJTUEFOX0tJTkRf\
        SU5URVJOQUwQARIUChBTUEFOX0tJTkRfU0VSVkVSEAISFAoQU1BBTl9LSU5EX0NMSUVOVBADEhYKElNQQU5fS0lORF9QUk9EVUNF\
        UhAEEhYKElNQQU5fS0lORF9DT05TVU1FUhAFIq4BCgZTdGF0dXMSDwoHbWVzc2FnZRgCIAEoCRI9CgRjb2RlGAMgASgOMi8ub3Bl\
        bnRlbGVtZXRyeS5wcm90by50cmFjZS52MS5TdGF0dXMuU3RhdHVzQ29kZSJOCgpTdGF0dXNDb2RlEhUKEVNUQVRVU19DT0RFX1VO\
        U0VUEAASEgoOU1RBVFVTX0NPREVfT0sQARIVChFTVEFUVVNfQ09ERV9FUlJPUhACSgQIARACKpwBCglTcGFuRmxhZ3MSGQoVU1BB\
        Tl9GTEFHU19ET19OT1RfVVNFEAASIAobU1BBTl9GTEFHU19UUkFDRV9GTEFHU19NQVNLEP8BEioKJVNQQU5fRkxBR1NfQ09OVEVY\
        VF9IQVNfSVNfUkVNT1RFX01BU0sQgAISJgohU1BBTl9GTEFHU19DT05URVhUX0lTX1JFTU9URV9NQVNLEIAEQncKH2lvLm9wZW50\
        ZWxlbWV0cnkucHJvdG8udHJhY2UudjFCClRyYWNlUHJvdG9QAVonZ28ub3BlbnRlbGVtZXRyeS5pby9wcm90by9vdGxwL3RyYWNl\
        L3YxqgIcT3BlblRlbGVtZXRyeS5Qcm90by5UcmFjZS5WMWIGcHJvdG8z
        """),
    File(
      name: "opentelemetry/proto/collector/trace/v1/trace_service.proto",
      imports: [
        "opentelemetry/proto/trace/v1/trace.proto",
      ],
      symbols: [
        "opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess",
        "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
        "opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse",
        "opentelemetry.proto.collector.trace.v1.TraceService",
      ],
      base64: """
        CjpvcGVudGVsZW1ldHJ5L3Byb3RvL2NvbGxlY3Rvci90cmFjZS92MS90cmFjZV9zZXJ2aWNlLnByb3RvEiZvcGVudGVsZW1ldHJ5\
        LnByb3RvLmNvbGxlY3Rvci50cmFjZS52MRoob3BlbnRlbGVtZXRyeS9wcm90by90cmFjZS92MS90cmFjZS5wcm90byJgChlFeHBv\
        cnRUcmFjZVNlcnZpY2VSZXF1ZXN0EkMKDnJlc291cmNlX3NwYW5zGAEgAygLMisub3BlbnRlbGVtZXRyeS5wcm90by50cmFjZS52\
        MS5SZXNvdXJjZVNwYW5zIngKGkV4cG9ydFRyYWNlU2VydmljZVJlc3BvbnNlEloKD3BhcnRpYWxfc3VjY2VzcxgBIAEoCzJBLm9w\
        ZW50ZWxlbWV0cnkucHJvdG8uY29sbGVjdG9yLnRyYWNlLnYxLkV4cG9ydFRyYWNlUGFydGlhbFN1Y2Nlc3MiSgoZRXhwb3J0VHJh\
        Y2VQYXJ0aWFsU3VjY2VzcxIWCg5yZWplY3RlZF9zcGFucxgBIAEoAxIVCg1lcnJvcl9tZXNzYWdlGAIgASgJMqIBCgxUcmFjZVNl\
        cnZpY2USkQEKBkV4cG9ydBJBLm9wZW50ZWxlbWV0cnkucHJvdG8uY29sbGVjdG9yLnRyYWNlLnYxLkV4cG9ydFRyYWNlU2Vydmlj\
        ZVJlcXVlc3QaQi5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbGxlY3Rvci50cmFjZS52MS5FeHBvcnRUcmFjZVNlcnZpY2VSZXNwb25z\
        ZSIAQpwBCilpby5vcGVudGVsZW1ldHJ5LnByb3RvLmNvbGxlY3Rvci50cmFjZS52MUIRVHJhY2VTZXJ2aWNlUHJvdG9QAVoxZ28u\
        b3BlbnRlbGVtZXRyeS5pby9wcm90by9vdGxwL2NvbGxlY3Rvci90cmFjZS92MaoCJk9wZW5UZWxlbWV0cnkuUHJvdG8uQ29sbGVj\
        dG9yLlRyYWNlLlYxYgZwcm90bzM=
        """),
    File(
      name: "grpc_reflection/v1/reflection.proto",
      imports: [
      ],
      symbols: [
        "grpc.reflection.v1.ErrorResponse",
        "grpc.reflection.v1.ExtensionNumberResponse",
        "grpc.reflection.v1.ExtensionRequest",
        "grpc.reflection.v1.FileDescriptorResponse",
        "grpc.reflection.v1.ListServiceResponse",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1.ServerReflectionRequest",
        "grpc.reflection.v1.ServerReflectionResponse",
        "grpc.reflection.v1.ServiceResponse",
      ],
      base64: """
        CiNncnBjX3JlZmxlY3Rpb24vdjEvcmVmbGVjdGlvbi5wcm90bxISZ3JwYy5yZWZsZWN0aW9uLnYxIoUCChdTZXJ2ZXJSZWZsZWN0\
        aW9uUmVxdWVzdBIMCgRob3N0GAEgASgJEhoKEGZpbGVfYnlfZmlsZW5hbWUYAyABKAlIABIgChZmaWxlX2NvbnRhaW5pbmdfc3lt\
        Ym9sGAQgASgJSAASSQoZZmlsZV9jb250YWluaW5nX2V4dGVuc2lvbhgFIAEoCzIkLmdycGMucmVmbGVjdGlvbi52MS5FeHRlbnNp\
        b25SZXF1ZXN0SAASJwodYWxsX2V4dGVuc2lvbl9udW1iZXJzX29mX3R5cGUYBiABKAlIABIXCg1saXN0X3NlcnZpY2VzGAcgASgJ\
        SABCEQoPbWVzc2FnZV9yZXF1ZXN0IkUKEEV4dGVuc2lvblJlcXVlc3QSFwoPY29udGFpbmluZ190eXBlGAEgASgJEhgKEGV4dGVu\
        c2lvbl9udW1iZXIYAiABKAUiuAMKGFNlcnZlclJlZmxlY3Rpb25SZXNwb25zZRISCgp2YWxpZF9ob3N0GAEgASgJEkUKEG9yaWdp\
        bmFsX3JlcXVlc3QYAiABKAsyKy5ncnBjLnJlZmxlY3Rpb24udjEuU2VydmVyUmVmbGVjdGlvblJlcXVlc3QSTgoYZmlsZV9kZXNj\
        cmlwdG9yX3Jlc3BvbnNlGAQgASgLMiouZ3JwYy5yZWZsZWN0aW9uLnYxLkZpbGVEZXNjcmlwdG9yUmVzcG9uc2VIABJVCh5hbGxf\
        ZXh0ZW5zaW9uX251bWJlcnNfcmVzcG9uc2UYBSABKAsyKy5ncnBjLnJlZmxlY3Rpb24udjEuRXh0ZW5zaW9uTnVtYmVyUmVzcG9u\
        c2VIABJJChZsaXN0X3NlcnZpY2VzX3Jlc3BvbnNlGAYgASgLMicuZ3JwYy5yZWZsZWN0aW9uLnYxLkxpc3RTZXJ2aWNlUmVzcG9u\
        c2VIABI7Cg5lcnJvcl9yZXNwb25zZRgHIAEoCzIhLmdycGMucmVmbGVjdGlvbi52MS5FcnJvclJlc3BvbnNlSABCEgoQbWVzc2Fn\
        ZV9yZXNwb25zZSI3ChZGaWxlRGVzY3JpcHRvclJlc3BvbnNlEh0KFWZpbGVfZGVzY3JpcHRvcl9wcm90bxgBIAMoDCJLChdFeHRl\
        bnNpb25OdW1iZXJSZXNwb25zZRIWCg5iYXNlX3R5cGVfbmFtZRgBIAEoCRIYChBleHRlbnNpb25fbnVtYmVyGAIgAygFIksKE0xp\
        c3RTZXJ2aWNlUmVzcG9uc2USNAoHc2VydmljZRgBIAMoCzIjLmdycGMucmVmbGVjdGlvbi52MS5TZXJ2aWNlUmVzcG9uc2UiHwoP\
        U2VydmljZVJlc3BvbnNlEgwKBG5hbWUYASABKAkiOgoNRXJyb3JSZXNwb25zZRISCgplcnJvcl9jb2RlGAEgASgFEhUKDWVycm9y\
        X21lc3NhZ2UYAiABKAkyiQEKEFNlcnZlclJlZmxlY3Rpb24SdQoUU2VydmVyUmVmbGVjdGlvbkluZm8SKy5ncnBjLnJlZmxlY3Rp\
        b24udjEuU2VydmVyUmVmbGVjdGlvblJlcXVlc3QaLC5ncnBjLnJlZmxlY3Rpb24udjEuU2VydmVyUmVmbGVjdGlvblJlc3BvbnNl\
        KAEwAWIGcHJvdG8z
        """),
  ]
}
