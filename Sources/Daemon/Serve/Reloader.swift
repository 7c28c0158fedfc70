import Logging
import Synchronization

/// Reads the configuration again, by SIGHUP or by request: all of it is checked, then what can change while the daemon runs
/// is swapped. A configuration with any fault changes nothing.
final class Reloader: Sendable {
  struct Answer: Sendable {
    var isDone: Bool
    /// `{"changed":[…],"needs_restart":[…]}` or `{"error":"…"}`
    var json: String
  }

  // covers: the configuration in force; one reload at a time, so it is held while files are read.
  private let config: Mutex<GarnerConfig>
  private let read: @Sendable () throws(ConfigError) -> ResolvedConfig
  private let apply: @Sendable (GarnerConfig) -> Void
  private let logger: Logger

  init(
    _ config: GarnerConfig, logger: Logger, read: @escaping @Sendable () throws(ConfigError) -> ResolvedConfig,
    apply: @escaping @Sendable (GarnerConfig) -> Void
  ) {
    self.config = Mutex(config)
    self.logger = logger
    self.read = read
    self.apply = apply
  }

  /// Blocks while files are read.
  func reload() -> Answer {
    ServiceManager.notifyReloading()
    defer { ServiceManager.notify("READY=1") }
    return config.withLock { config in
      do throws(ConfigError) {
        let resolved = try read()
        for warning in resolved.warnings { logger.warning("\(warning)") }
        let reload = ConfigReload(from: config, to: resolved.config)
        config = reload.config
        apply(config)
        tell(reload, resolved)
        return Answer(
          isDone: true,
          json: "{\"changed\":\(Self.list(reload.changed)),\"needs_restart\":\(Self.list(reload.needsRestart))}")
      } catch {
        for problem in error.problems {
          logger.error("the configuration was not reloaded", metadata: ["problem": "\(problem.text)"])
        }
        return Answer(isDone: false, json: "{\"error\":\(JSONText.quoted(error.description))}")
      }
    }
  }

  private func tell(_ reload: ConfigReload, _ resolved: ResolvedConfig) {
    logger.notice(
      "configuration reloaded",
      metadata: [
        "config": "\(resolved.file ?? "none")", "changed": "\(reload.changed.joined(separator: " "))",
      ])
    for key in reload.needsRestart {
      logger.warning(
        "this key takes effect at the next start; the old value stays until then",
        metadata: ["key": "\(key)", "from": "\(resolved.origin(of: key).text)"])
    }
  }

  private static func list(_ keys: [String]) -> String {
    "[" + keys.map { JSONText.quoted($0) }.joined(separator: ",") + "]"
  }
}
