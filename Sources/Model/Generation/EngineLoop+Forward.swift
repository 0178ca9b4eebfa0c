import Models
import Structure
import Tensors
import Tokenization

extension EngineLoop {
    /// A request's share of one forward pass.
    fileprivate enum Entry {
        case prompt(Group, piece: Range<Int>, Guess)
        case answer(Group, Answer, Guess)

        var rows: Int {
            switch self {
            case .prompt(_, let piece, let guess): piece.count + guess.tokens.count
            case .answer(_, _, let guess): 1 + guess.tokens.count
            }
        }

        /// The number of rows with logits, the last of its rows: after the newest token and after each guess.
        var ends: Int {
            switch self {
            case .prompt(let group, let piece, let guess): piece.upperBound < group.request.prompt.tokens.count ? 0 : 1 + guess.tokens.count
            case .answer: rows
            }
        }

        var group: Group {
            switch self {
            case .prompt(let group, _, _), .answer(let group, _, _): group
            }
        }
    }

    /// The rows of one part of a forward pass, a ragged batch.
    fileprivate struct Batch {
        var tokens: [Int32] = []
        var positions: [Int32] = []
        var audioSlots: [Int] = []
        var audio: [Tensor] = []
        var cached: [CachedRows] = []
        var runs: [Pass.Run] = []
        /// The rows whose logits are needed.
        var wanted: [Int] = []
        /// The entries that end with these rows, each with ``Entry/ends`` of them.
        var ended: [Entry] = []

        mutating func append(_ tokens: some Collection<Int32>, at position: Int, _ cache: KeyValueCache, _ version: WeightVersion?) {
            let rows = self.tokens.count..<self.tokens.count + tokens.count
            self.tokens += tokens
            positions += (0..<tokens.count).map { Int32(position + $0) }
            cached.append(CachedRows(rows: rows, cache: cache))
            if let last = runs.last, last.version === version {
                runs[runs.count - 1] = Pass.Run(rows: last.rows.lowerBound..<rows.upperBound, version: version)
            } else {
                runs.append(Pass.Run(rows: rows, version: version))
            }
        }
    }

    /// From this number of rows on, a thread that computes them alone is faster than all threads sharing each product: threads then wait for each
    /// other once, not after every operation.
    private static let rowsOfShare = 32
    /// The number of shared tokens that are worth waiting a pass for, if another prompt is about to read them.
    private static let sharedTokens = 16
    /// The work, as ``Structure/mask(_:work:)`` counts it, that a pass does for the forms of answers.
    private static let workOnForms = 1 << 12
    /// Rows of logits that scoring holds at once.
    private static let scoredRows = 64

    func forward(rowLimit: Int) {
        defer { running.removeAll { $0.unfinished == 0 } }
        let entries = entries(rowLimit: rowLimit)
        if entries.isEmpty { return }
        for entry in entries { count(entry.rows, for: entry.group) }
        let shares = Threads.shares(of: entries.map(\.rows), atLeast: Self.rowsOfShare, enough: 6 * Self.rowsOfShare)
        let results = Threads.map(shares) { compute($0.map { entries[$0] }) }
        statistics.forwardPasses += 1
        for (entries, logits, scored) in results {
            for (group, tokens) in scored {
                if tokens.contains(where: \.logProbability.isNaN) { group.fail(.noDistribution) } else { group.tell(.prompt(tokens)) }
            }
            guard let logits else { continue }
            var row = 0
            for entry in entries {
                let rows = row..<row + entry.ends
                row = rows.upperBound
                if entry.group.unfinished == 0 { continue }
                switch entry {
                case .prompt(let group, _, let guess): finishReading(group, logits, rows: rows, guess)
                case .answer(let group, let answer, let guess): extend(answer, of: group, logits, rows: rows, guess)
                }
            }
        }
    }

    /// The newest token of each growing answer and pieces of prompts, at most `rowLimit` rows together. Rows of one version are adjacent, so that
    /// replaced tensors are read once.
    private func entries(rowLimit: Int) -> [Entry] {
        let writing = running.reduce(0) { $0 + ($1.isReading ? 0 : $1.unfinished) }
        var room = max(1, rowLimit - writing)
        var pieces: [UInt64: Range<Int>] = [:]
        var beginnings: Set<Beginning> = []
        var work = Self.workOnForms
        for group in inTurn where group.isReading && room > 0 && group.clipsToEncode.isEmpty {
            let piece = group.cache.count..<min(group.request.prompt.tokens.count, group.cache.count + room)
            if piece.upperBound == group.request.prompt.tokens.count, !isFormKnown(at: nil, of: group, work: &work) { continue }
            if let beginning = beginning(of: group) {
                if beginnings.contains(beginning), group.waitedAt != group.cache.count {
                    group.waitedAt = group.cache.count
                    continue
                }
                if piece.upperBound == group.request.prompt.tokens.count { beginnings.insert(beginning) }
            }
            room -= piece.count
            pieces[group.id] = piece
        }
        var entries = running.sorted { ($0.versionKey, $0.id) < ($1.versionKey, $1.id) }.flatMap { group in
            if let piece = pieces[group.id] { return [Entry.prompt(group, piece: piece, Guess())] }
            return group.answers.filter { !$0.isFinished && isFormKnown(at: $0.place, of: group, work: &work) }.map { .answer(group, $0, Guess()) }
        }
        if drafting != .off { addGuesses(to: &entries, room: room) }
        return entries
    }

    /// Whether it is known which tokens may come next in an answer that has a form. If finding that takes longer than a pass may, the answer sits
    /// out passes until it is known, and the others go on.
    ///
    /// - Parameter place: The answer's place in its form; nil for the beginning.
    private func isFormKnown(at place: Structure.Place?, of group: Group, work: inout Int) -> Bool {
        guard let structure = group.request.options.structure, group.request.options.maxTokens > 0 else { return true }
        do throws(StructureError) { return try structure.mask(place ?? structure.start, work: &work) != nil } catch {
            group.fail(.unfollowableForm(reason: error.description))
            return false
        }
    }

    /// Guesses follow a completed prompt only if it has one answer; several answers would write to the same place.
    private func addGuesses(to entries: inout [Entry], room: Int) {
        var places: [Int] = []
        var growing: [Growing] = []
        for (place, entry) in entries.enumerated() where entry.ends > 0 {
            switch entry {
            case .prompt(let group, _, _):
                if group.request.options.count > 1 || group.request.scoring != nil { continue }
                growing.append(Growing(group: group, drafter: group.drafter, tokens: []))
            case .answer(let group, let answer, _):
                growing.append(Growing(group: group, drafter: answer.drafter, tokens: answer.tokens))
            }
            places.append(place)
        }
        let rows = entries.reduce(0) { $0 + $1.rows }
        for (place, guess) in zip(places, guesses(for: growing, otherRows: rows - growing.count, room: room)) {
            switch entries[place] {
            case .prompt(let group, let piece, _): entries[place] = .prompt(group, piece: piece, guess)
            case .answer(let group, let answer, _): entries[place] = .answer(group, answer, guess)
            }
        }
    }

    /// How a prompt continues after its known prefix.
    private struct Beginning: Hashable {
        let version: String
        let keys: ArraySlice<Int64>
    }

    /// A prompt that begins like another one in the same pass waits for the next pass, in which it finds the shared prefix. It does not wait again
    /// if that failed because the cache is full. Nil if a prompt has nothing to share: it has begun, ends earlier, or will be cached only up to a
    /// clip.
    private func beginning(of group: Group) -> Beginning? {
        let prompt = group.request.prompt
        let end = group.cache.count + Self.sharedTokens
        let remembered = group.request.isLowPriority ? prompt.clips.first?.slots.first : nil
        let shareable = min(remembered ?? prompt.tokens.count - 1, (group.request.scoring?.start ?? .max) - 1)
        guard group.cache.count == group.timings.cachedTokens, end <= shareable else { return nil }
        return Beginning(version: group.versionKey, keys: group.keys[..<end])
    }

    /// Computes one part of a pass. Returns the entries that end in logits with one row of logits each, nil if there are none, and the scored
    /// tokens of prompts.
    private func compute(_ entries: [Entry]) -> (ended: [Entry], logits: Tensor?, scored: [(Group, [TokenLogProbability])]) {
        var batch = Batch()
        var scored: [(group: Group, rows: Range<Int>, targets: Range<Int>)] = []
        for entry in entries {
            switch entry {
            case .prompt(let group, let piece, let guess):
                if let scoring = group.request.scoring {
                    // Token t is predicted by the row of token t − 1.
                    let targets = (piece.lowerBound + 1..<piece.upperBound + 1).clamped(to: scoring.start..<group.request.prompt.tokens.count)
                    let first = batch.tokens.count + targets.lowerBound - 1 - piece.lowerBound
                    if !targets.isEmpty { scored.append((group, first..<first + targets.count, targets)) }
                }
                append(piece, guess.tokens, of: group, to: &batch)
            case .answer(let group, let answer, let guess): append(answer, guess.tokens, of: group, to: &batch)
            }
            if entry.ends == 0 { continue }
            batch.wanted += batch.tokens.count - entry.ends..<batch.tokens.count
            batch.ended.append(entry)
        }
        let pass = Pass(runs: batch.runs, arithmetic: model.arithmetic)
        let ends = batch.pass(of: pass)
        let decoder = model.model.decoder
        // Scoring needs rows that are not the newest of their sequence. In that case all rows are computed, and the ends are selected from them.
        let isEndsAlone = scored.isEmpty && !batch.wanted.isEmpty
        let hidden = decoder.hidden(
            tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots,
            audio: batch.audio.isEmpty ? nil : concatenated(batch.audio),
            keyValues: .cached(CachedBatch(batch.cached)),
            wanted: isEndsAlone ? (batch.wanted, ends) : nil, pass)
        let scores = scored.map { ($0.group, score($0.targets, of: $0.group, hidden, rows: $0.rows)) }
        if batch.wanted.isEmpty { return ([], nil, scores) }
        let last = isEndsAlone ? hidden : selectRows(hidden, batch.wanted)
        return (batch.ended, decoder.logits(last, ends), scores)
    }

    /// Log-probabilities of prompt tokens, from the hidden states that predict them. Logits exist for a few rows at a time.
    private func score(_ targets: Range<Int>, of group: Group, _ hidden: Tensor, rows: Range<Int>) -> [TokenLogProbability] {
        let (tokens, alternatives) = (group.request.prompt.tokens, group.request.scoring?.alternatives ?? 0)
        return stride(from: 0, to: targets.count, by: Self.scoredRows).flatMap { start in
            let many = min(Self.scoredRows, targets.count - start)
            let states = hidden.rowsCopy(rows.lowerBound + start..<rows.lowerBound + start + many)
            let logits = model.model.decoder.logits(
                states, Pass(version: group.request.version, rows: many, arithmetic: model.arithmetic))
            return (0..<many).map { row in
                TokenLogProbability(tokens[targets.lowerBound + start + row], in: logits, row: row, alternatives: alternatives)
            }
        }
    }

    private func append(_ answer: Answer, _ guessed: [Int32], of group: Group, to batch: inout Batch) {
        let position = answer.cache.count
        answer.cache.extend(by: 1 + guessed.count)
        batch.append([answer.tokens[answer.tokens.count - 1]] + guessed, at: position, answer.cache, group.request.version)
    }

    private func append(_ piece: Range<Int>, _ guessed: [Int32], of group: Group, to batch: inout Batch) {
        let prompt = group.request.prompt
        group.cache.extend(by: piece.count + guessed.count)
        let firstRow = batch.tokens.count
        batch.append(prompt.tokens[piece] + guessed, at: piece.lowerBound, group.cache, group.request.version)
        for (clip, embedding) in zip(prompt.clips, group.embeddings) {
            guard let embedding, let first = clip.slots.firstIndex(where: { $0 >= piece.lowerBound }),
                let last = clip.slots.lastIndex(where: { $0 < piece.upperBound }), first <= last
            else { continue }
            let rows = first..<last + 1
            batch.audioSlots += clip.slots[rows].map { firstRow + $0 - piece.lowerBound }
            batch.audio.append(rows.count == embedding.rows ? embedding : embedding.rowsCopy(rows))
        }
    }

    /// The prompt is complete: its answers fork from it and get their first tokens.
    private func finishReading(_ group: Group, _ logits: Tensor, rows: Range<Int>, _ guess: Guess) {
        let request = group.request
        remember(group)
        group.embeddings = []
        group.answers = (0..<request.options.count).map { choice in
            Answer(
                choice: choice, cache: group.cache,
                sampler: Sampler(request.options, prompt: request.prompt.tokens, choice: choice),
                text: TextAssembler(model.tokenizer, stop: request.options.stop), drafter: group.drafter)
        }
        group.cache = KeyValueCache(shape: group.cache.shape)
        group.timings.firstToken = group.submitted.seconds
        for answer in group.answers {
            if request.options.maxTokens == 0 {
                finish(answer, of: group, .length)
            } else {
                extend(answer, of: group, logits, rows: rows, guess)
            }
        }
    }

    /// Caches a prompt's keys and values for later prompts that begin alike. Prompts of measurements and judging come once, so they are cached only
    /// up to the first clip or the last full block; the answer continues in the last one, which it would otherwise have to copy.
    private func remember(_ group: Group) {
        var keys = group.keys[...]
        if group.request.isLowPriority {
            let full = keys.count / KeyValueBlock.tokens * KeyValueBlock.tokens
            let kept = group.request.prompt.clips.first?.slots.first ?? full
            if group.timings.cachedTokens >= kept { return }
            keys = keys.prefix(kept)
        }
        prefixes.insert(group.cache.blocks, keys: keys, version: group.versionKey)
    }

    /// Extends an answer along the correct guesses and by the token after them. The remaining guesses are removed from the cache.
    private func extend(_ answer: Answer, of group: Group, _ logits: Tensor, rows: Range<Int>, _ guess: Guess) {
        let written = answer.cache
        var right = 0
        for row in rows {
            // A finished answer is cached with what it has read, without guesses.
            answer.cache = written
            answer.cache.truncate(to: written.count - (rows.upperBound - 1 - row))
            extend(answer, of: group, logits, row: row)
            let guessed = row - rows.lowerBound
            if answer.isFinished || guessed == guess.tokens.count || answer.tokens.last != guess.tokens[guessed] { break }
            right += 1
        }
        note(guess, right: right, answer, of: group)
    }

    /// Chooses the next token of an answer and reports it.
    private func extend(_ answer: Answer, of group: Group, _ logits: Tensor, row: Int) {
        // Another answer of the same request may have failed in this pass.
        if answer.isFinished { return }
        let options = group.request.options
        let token: Int32
        do throws(EngineError) {
            let mask = try answer.mask(options)
            let isShort = answer.tokens.count < options.minTokens && mask?.endsAlone != true
            token = try answer.sampler.choose(
                logits, row: row, excluding: isShort ? model.endTokens : [], unwritten: model.unwritten, mask: mask)
            try answer.advance(
                options, over: options.structure?.vocabulary.controls[token]?[...] ?? model.tokenizer.bytes(of: Int(token)),
                isEnd: model.endTokens.contains(token))
        } catch { return group.fail(error) }
        group.timings.completionTokens += 1
        statistics.completionTokens += 1
        let isEnd = model.endTokens.contains(token) && (!options.ignoresEndOfTurn || options.structure != nil)
        if isEnd, !options.tellsEnd { return finish(answer, of: group, .stop) }
        let logProbability = options.logProbabilities.map {
            TokenLogProbability(token, in: logits, row: row, alternatives: $0)
        }
        if isEnd {
            group.tell(.token(choice: answer.choice, id: token, text: "", logProbability: logProbability))
            return finish(answer, of: group, .stop)
        }
        answer.tokens.append(token)
        let text = answer.text.append(token)
        group.tell(.token(choice: answer.choice, id: token, text: text, logProbability: logProbability))
        if answer.text.isStopped { return finish(answer, of: group, .stop) }
        let length = group.request.prompt.tokens.count + answer.tokens.count
        if answer.tokens.count >= options.maxTokens || length >= model.model.contextLength {
            finish(answer, of: group, .length)
        }
    }

    private func finish(_ answer: Answer, of group: Group, _ reason: FinishReason) {
        answer.isFinished = true
        // The last token's keys and values were never computed. Requests of low priority are measured or judged, and nobody continues from their
        // answers; the space is better used for conversations.
        if !group.request.isLowPriority {
            let known = (group.keys + answer.tokens.map(Int64.init)).prefix(answer.cache.count)
            prefixes.insert(answer.cache.blocks, keys: known, version: group.versionKey)
        }
        answer.cache = KeyValueCache(shape: answer.cache.shape)
        group.tell(.finished(choice: answer.choice, reason: reason, text: answer.text.finish()))
        group.unfinished -= 1
        if group.unfinished == 0 { group.end() }
    }
}

extension EngineLoop.Answer {
    /// The tokens allowed next if the answer has a form.
    fileprivate func mask(_ options: SamplingOptions) throws(EngineError) -> Structure.Mask? {
        guard let structure = options.structure else { return nil }
        return try formed { () throws(StructureError) in try structure.mask(place ?? structure.start) }
    }

    fileprivate func advance(_ options: SamplingOptions, over spelling: ArraySlice<UInt8>, isEnd: Bool) throws(EngineError) {
        guard let structure = options.structure, !isEnd else { return }
        place = try formed { () throws(StructureError) in try structure.advance(place ?? structure.start, over: spelling) }
    }

    private func formed<Value>(_ body: () throws(StructureError) -> Value) throws(EngineError) -> Value {
        do { return try body() } catch {
            throw .unfollowableForm(reason: error.description)
        }
    }
}

extension EngineLoop.Batch {
    /// The same pass reduced to the needed rows, in their order.
    fileprivate func pass(of whole: Pass) -> Pass {
        if whole.runs.count == 1 {
            return Pass(version: whole.runs[0].version, rows: wanted.count, arithmetic: whole.arithmetic)
        }
        var runs: [Pass.Run] = []
        for run in whole.runs {
            let many = wanted.count { run.rows.contains($0) }
            let start = runs.last?.rows.upperBound ?? 0
            if many > 0 { runs.append(Pass.Run(rows: start..<start + many, version: run.version)) }
        }
        return Pass(runs: runs, arithmetic: whole.arithmetic)
    }
}
