/// A page of a list: `{"object":"list","data":[…],"has_more":…}`.
package struct ListObject<Element: Codable & Sendable>: Codable, Sendable {
    package var object = "list"
    package var data: [Element]
    package var hasMore: Bool
    /// The number of elements on all pages that match the query, if they are counted.
    package var total: Int?

    package init(_ data: [Element], hasMore: Bool = false, total: Int? = nil) { (self.data, self.hasMore, self.total) = (data, hasMore, total) }
}

extension ListObject: Equatable where Element: Equatable {}

/// Selects a page of a list: at most `limit` elements after the one with id `after`.
package struct PageQuery: WireObject, Equatable, Sendable {
    package enum Order: String, Codable, CaseIterable, Sendable {
        case ascending = "asc"
        case descending = "desc"
    }

    package var after: String?
    package var limit: Int
    /// The order of creation times; newest first by default.
    package var order: Order

    package init(_ fields: Fields) throws {
        after = try fields.text("after", maxLength: 128)
        if (try? fields.text("limit")) == "" { throw fields.invalid("limit", expected: "an integer from 1 to 10000") }
        limit = try fields.integer("limit", in: 1...10_000) ?? 20
        order = try fields.choice("order") ?? .descending
    }
}

/// Selects a page of the list of files.
package struct FilePageQuery: WireObject, Equatable, Sendable {
    package var page: PageQuery
    /// Selects files of this purpose only.
    package var purpose: String?

    package init(_ fields: Fields) throws {
        page = try PageQuery(fields)
        purpose = try fields.text("purpose", maxLength: 64)
    }
}
