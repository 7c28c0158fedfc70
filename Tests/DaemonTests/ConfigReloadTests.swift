import Daemon
import Telemetry
import Testing

/// What a reload may change under a running daemon, and what it names for the next start.
@Suite struct ConfigReloadTests {
  private static func changed(_ change: (inout GarnerConfig) -> Void) -> (reload: ConfigReload, new: GarnerConfig) {
    var new = GarnerConfig()
    change(&new)
    return (ConfigReload(from: GarnerConfig(), to: new), new)
  }

  @Test func takesOverWhatRetentionLooksAt() {
    let (reload, _) = Self.changed {
      $0.retention.maxBytes = 1 << 30
      $0.retention.minAge = .seconds(60)
      $0.log.level = .debug
    }
    #expect(reload.changed == ["retention.max_bytes", "retention.min_age", "log.level"])
    #expect(reload.needsRestart.isEmpty)
    #expect(reload.config.retention.maxBytes == 1 << 30 && reload.config.log.level == .debug)
  }

  @Test func keepsTheOldValueOfWhatNeedsARestart() {
    let (reload, _) = Self.changed {
      $0.listen.console = .closed
      $0.dataDirectory = "/elsewhere"
      $0.dedup.window = .zero
      $0.retention.maxBytes = nil
    }
    #expect(reload.changed == ["retention.max_bytes"])
    #expect(reload.needsRestart == ["data_dir", "listen.console", "dedup.window"])
    #expect(reload.config.listen.console == GarnerConfig().listen.console && reload.config.dataDirectory == "")
    #expect(reload.config.retention.maxBytes == nil)
  }

  /// Two headers may look the same where they are hidden.
  @Test func destinationsAreTakenOverWhateverTheyLookLike() {
    let (reload, _) = Self.changed { $0.destinations = [DestinationConfig(name: "a")] }
    #expect(reload.changed == ["destinations"])
    var old = GarnerConfig()
    var new = GarnerConfig()
    old.destinations = [DestinationConfig(name: "a")]
    new.destinations = old.destinations
    new.destinations[0].mark = YAMLMark(line: 7, column: 1)
    let same = ConfigReload(from: old, to: new)
    #expect(same.changed.isEmpty)
    #expect(same.config.destinations[0].mark == YAMLMark(line: 7, column: 1))
  }

  @Test func agesOfClassesChangeAtOnceTheirPatternsDoNot() {
    let day = RetentionClasses.day
    let older = RetentionClasses(
      RetentionClasses.standard.classes.map {
        .init(name: $0.name, ageNanoseconds: 5 * day, patterns: $0.patterns, restricted: $0.restricted)
      })
    let (ages, _) = Self.changed { $0.retention.classes = older }
    #expect(ages.changed == ["retention.classes"] && ages.needsRestart.isEmpty)
    #expect(ages.config.retention.classes.classes.allSatisfy { $0.ageNanoseconds == 5 * day })
    let fewer = RetentionClasses([.init(name: "all", ageNanoseconds: nil, patterns: [])])
    let (classes, _) = Self.changed { $0.retention.classes = fewer }
    #expect(classes.changed.isEmpty && classes.needsRestart == ["retention.classes"])
    #expect(classes.config.retention.classes.classes.count == RetentionClasses.standard.classes.count)
  }

  @Test func theSameConfigurationChangesNothing() {
    let (reload, _) = Self.changed { _ in }
    #expect(reload.changed.isEmpty && reload.needsRestart.isEmpty)
  }
}
