import Forward
import Glibc

extension ResolvedConfig {
  /// Destinations that may not be: raw ids to another machine, ourselves, one file for two, files that cannot be read.
  func forwardProblems() -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    for (index, entry) in config.destinations.enumerated() {
      let faults =
        addressFaults(entry) + entry.fileFaults + entry.clashes(with: config.destinations[..<index])
      problems += faults.map { problem(entry, $0) }
    }
    return problems
  }

  private func problem(_ entry: DestinationConfig, _ fault: String) -> ConfigProblem {
    let message = "`destinations.\(entry.name)`: \(fault)"
    guard case .file(let path, _) = origin(of: "destinations"), let mark = entry.mark else {
      return ConfigProblem(message, at: place("destinations"))
    }
    return ConfigProblem(message, at: path, mark)
  }

  private func addressFaults(_ entry: DestinationConfig) -> [String] {
    var faults: [String] = []
    for endpoint in [entry.endpoint] + entry.endpoints.values.sorted() {
      guard let address = EndpointAddress(endpoint) else { continue }
      if !address.isLoopback && config.privacy.policy == .none && !entry.allowUnprotected {
        faults.append(
          "\(address.host) may be another machine and privacy.policy is none, so players could be known there; set "
            + "privacy.policy: default, or allow_unprotected: true when that is meant")
      }
      for door in doors where address.isThisMachine && door.path != "listen.udp" {
        guard case .open(_, let port) = door.address, port != 0, port == address.port else { continue }
        faults.append("\(endpoint) is our own `\(door.path)`")
      }
    }
    return faults
  }
}

extension DestinationConfig {
  /// Files that it names and that cannot be used; reads them.
  fileprivate var fileFaults: [String] {
    var faults: [String] = []
    for (key, path) in [
      ("auth.bearer_file", bearerFile), ("auth.password_file", passwordFile), ("secret_file", secretFile),
    ] where !path.isEmpty {
      do {
        _ = try SecretFile.read(path)
      } catch {
        faults.append("`\(key)`: \(error)")
      }
    }
    faults += tls.faults
    if type == .file, let fault = Self.folderFault(file.path) { faults.append("`path`: \(fault)") }
    return faults
  }

  /// Nil: it is there, or can be made. Makes nothing: `config check` comes here too.
  private static func folderFault(_ path: String) -> String? {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { return "\(path) is no folder" }
      return access(path, W_OK | X_OK) == 0 ? nil : "\(path): \(String(cString: strerror(errno)))"
    }
    guard errno == ENOENT else { return "\(path): \(String(cString: strerror(errno)))" }
    let parent = FilePlace.parent(path)
    guard stat(parent, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      return "there is no folder \(parent) to make it in"
    }
    return access(parent, W_OK | X_OK) == 0 ? nil : "\(parent): \(String(cString: strerror(errno)))"
  }

  /// What two destinations cannot have both.
  fileprivate func clashes(with others: ArraySlice<DestinationConfig>) -> [String] {
    var faults: [String] = []
    for other in others {
      if type == .scrape && other.type == .scrape && prometheus.path == other.prometheus.path {
        faults.append("`path`: \(prometheus.path) is the page of `\(other.name)` too")
      }
      if type == .file && other.type == .file && FilePlace.meet(file.path, other.file.path) {
        faults.append("`path`: \(file.path) is where `\(other.name)` writes too; one file has one writer")
      }
    }
    return faults
  }
}

/// Folders by whatever name.
private enum FilePlace {
  static func parent(_ path: String) -> String {
    var trimmed = Substring(path)
    while trimmed.hasSuffix("/") { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// As the system names it; what is not there yet, by its parent.
  private static func resolved(_ path: String) -> String {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    let above = parent(path)
    let name = path.split(separator: "/").last ?? ""
    guard let real = realpath(above, nil) else { return path }
    defer { free(real) }
    let folder = String(cString: real)
    return folder == "/" ? "/\(name)" : "\(folder)/\(name)"
  }

  /// The same folder, or one in which the other has what is delayed or a replay.
  static func meet(_ one: String, _ other: String) -> Bool {
    let (one, other) = (resolved(one), resolved(other))
    func isOurs(_ inner: String, of outer: String) -> Bool {
      inner == "\(outer)/delayed" || inner.hasPrefix("\(outer)/replay-")
    }
    return one == other || isOurs(one, of: other) || isOurs(other, of: one)
  }
}
