import Glibc
import Testing

@testable import Daemon

/// A folder of its own for one test, removed with it.
final class ConfigFolder {
  let path: String
  private var files: [String] = []

  init() throws {
    var template = Array("/tmp/garner-config-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { mkdtemp($0) != nil } ?? false
    }
    try #require(made)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for file in files { unlink(file) }
    rmdir(path)
  }

  /// Returns the path of the file.
  func write(_ text: String, as name: String = "garner.yaml") throws -> String {
    let file = "\(path)/\(name)"
    let handle = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    try #require(handle >= 0)
    defer { close(handle) }
    let bytes = Array(text.utf8)
    try #require(Glibc.write(handle, bytes, bytes.count) == bytes.count)
    files.append(file)
    return file
  }

  /// A request that sees this folder and nothing of the machine.
  func request(
    _ yaml: String? = nil, environment: [String: String] = [:], flags: [ConfigRequest.Flag] = [],
    purpose: ConfigRequest.Purpose = .reading
  ) throws -> ConfigRequest {
    var request = ConfigRequest(
      file: try yaml.map { try write($0) }, flags: flags, purpose: purpose,
      environment: ["HOME": path].merging(environment) { $1 }, isRoot: false)
    request.systemFile = "\(path)/system.yaml"
    return request
  }
}

/// What one YAML text makes of the defaults.
func resolved(
  _ yaml: String, environment: [String: String] = [:], flags: [ConfigRequest.Flag] = []
) throws -> ResolvedConfig {
  let folder = try ConfigFolder()
  defer { withExtendedLifetime(folder) {} }
  return try folder.request(yaml, environment: environment, flags: flags).resolve()
}

/// The problems of one YAML text, each as `LINE:COLUMN message` or its message alone.
func problems(
  _ yaml: String, environment: [String: String] = [:], flags: [ConfigRequest.Flag] = [],
  purpose: ConfigRequest.Purpose = .reading
) throws -> [String] {
  let folder = try ConfigFolder()
  defer { withExtendedLifetime(folder) {} }
  let request = try folder.request(yaml, environment: environment, flags: flags, purpose: purpose)
  do throws(ConfigError) {
    _ = try request.resolve()
    return []
  } catch {
    return error.problems.map { problem in
      problem.mark.map { "\($0.line):\($0.column) \(problem.message)" } ?? problem.message
    }
  }
}
