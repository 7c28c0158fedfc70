/// A column or dictionary field that holds a text, with the attributes it is taken from: their rules hold for it, too.
enum TextColumn: Int, CaseIterable {
  case category, event, source, session, component, gameID, gameModule, modFingerprint, correlation, uid
  case schemaURL, scopeName, scopeVersion, metricName, metricUnit, metricDescription

  var name: String {
    switch self {
    case .category: "category"
    case .event: "event"
    case .source: "source"
    case .session: "session_id"
    case .component: "component"
    case .gameID: "game_id"
    case .gameModule: "game_module"
    case .modFingerprint: "mod_fingerprint"
    case .correlation: "correlation"
    case .uid: "uid"
    case .schemaURL: "schema_url"
    case .scopeName: "scope.name"
    case .scopeVersion: "scope.version"
    case .metricName: "metric.name"
    case .metricUnit: "metric.unit"
    case .metricDescription: "metric.description"
    }
  }

  var keys: [String] {
    switch self {
    case .category: ["category", "event.category"]
    case .event: ["event.name"]
    case .source: ["service.instance.id"]
    case .session: ["session.id"]
    case .component: ["component"]
    case .gameID: ["game_id", "game.id"]
    case .gameModule: ["game_module", "game.module"]
    case .modFingerprint: ["mod_fingerprint", "mod.fingerprint", "mod_profile_fingerprint"]
    case .correlation: ["correlation", "trace_id"]
    case .uid: ["log.record.uid"]
    case .scopeVersion: ["version"]
    case .schemaURL, .scopeName, .metricName, .metricUnit, .metricDescription: []
    }
  }
}
