/// What is wrong with the bytes of a JSON text; small, because it is thrown through every frame of the walk.
struct JSONFault: Error {
  enum Kind {
    case empty, byteOrderMark, truncated, unexpected, trailing, control, badEscape, loneSurrogate, badUTF8, tooDeep
    case notObject, notArray, notString, notNumber, notBoolean, enumName
    case notIntegral, outOfRange, badHex, badBase64, tooManyRepeats
  }
  let kind: Kind
  /// Address of the byte; compared with the body's to tell the offset.
  let address: UInt

  var message: String {
    switch kind {
    case .empty: "no bytes are no JSON; an empty request is {}"
    case .byteOrderMark: "the text begins with a byte order mark"
    case .truncated: "the text ends too early"
    case .unexpected: "this byte cannot be here"
    case .trailing: "there is something behind the request"
    case .control: "control characters in strings must be escaped"
    case .badEscape: "this escape does not exist"
    case .loneSurrogate: "half of a surrogate pair stands alone"
    case .badUTF8: "the text is not valid UTF-8"
    case .tooDeep: "values are nested too deeply"
    case .notObject: "an object is wanted here"
    case .notArray: "an array is wanted here"
    case .notString: "a string is wanted here"
    case .notNumber: "a number is wanted here"
    case .notBoolean: "true or false is wanted here"
    case .enumName: "enums are numbers, not names"
    case .notIntegral: "a whole number is wanted here"
    case .outOfRange: "the number is out of range"
    case .badHex: "ids are an even number of hexadecimal digits"
    case .badBase64: "bytes are base64"
    case .tooManyRepeats: "too many keys occur twice in their object"
    }
  }
}
