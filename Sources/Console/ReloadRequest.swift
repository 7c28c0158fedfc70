import HTTPTypes

/// `POST /-/reload`: whose word is taken for it. The console's port is open to every page in the operator's browser.
enum ReloadRequest {
  static let path = "/-/reload"

  /// False: a page of another origin sent it.
  static func isFromHere(_ request: HTTPRequest) -> Bool {
    if let name = HTTPField.Name("Sec-Fetch-Site"), let site = request.headerFields[name] {
      return site == "same-origin" || site == "none"
    }
    guard let origin = request.headerFields[.origin] else { return true }
    guard let authority = request.authority else { return false }
    return origin == "http://" + authority || origin == "https://" + authority
  }
}
