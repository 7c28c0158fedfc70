import ArgumentParser
import Daemon

/// Which configuration and which data directory.
struct PlaceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Configuration file; else /etc/garner/garner.yaml, else $XDG_CONFIG_HOME/garner/garner.yaml.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Data directory; wins over the configuration.", valueName: "directory"))
  var dataDir: String?

  func validate() throws {
    if dataDir == "" { throw ValidationError("--data-dir is empty") }
  }

  func request(_ purpose: ConfigRequest.Purpose = .reading, flags: [ConfigRequest.Flag] = []) -> ConfigRequest {
    var all = flags
    if let dataDir { all.append(ConfigRequest.Flag("data_dir", "--data-dir", dataDir)) }
    return ConfigRequest(file: config, flags: all, purpose: purpose)
  }

  /// Warnings go to the standard error; problems are thrown as `ConfigError`, exit code 78.
  func resolve(_ purpose: ConfigRequest.Purpose = .reading, flags: [ConfigRequest.Flag] = []) throws -> ResolvedConfig {
    let resolved = try request(purpose, flags: flags).resolve()
    for warning in resolved.warnings { Output.error("warning: \(warning)") }
    return resolved
  }
}

/// What a command reads: the data directory, or one file.
struct StoreArguments: ParsableArguments {
  @OptionGroup var place: PlaceArguments

  @Option(help: ArgumentHelp("Read this one file (an export or a data file) instead.", valueName: "file"))
  var db: String?

  func validate() throws {
    if db != nil, place.dataDir != nil { throw ValidationError("give --db or --data-dir, not both") }
  }

  func resolve(flags: [ConfigRequest.Flag] = []) throws -> ResolvedConfig {
    try place.resolve(.reading, flags: flags)
  }
}
