import Models
import Tensors

extension EngineLoop {
    /// What a row of logits is for.
    fileprivate enum Reader {
        case prompt(Group)
        case answer(Group, Answer)
    }

    /// One ragged batch: the newest token of each answer being written, and pieces of prompts being read.
    fileprivate struct Batch {
        var tokens: [Int32] = []
        var positions: [Int32] = []
        var audioSlots: [Int] = []
        var audio: [Tensor] = []
        var cached: [CachedRows] = []
        var runs: [Pass.Run] = []
        /// Rows whose logits are wanted, with their readers.
        var wanted: [(row: Int, reader: Reader)] = []

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

    func forward(rowLimit: Int) {
        // Rows of one version lie together, so that replaced tensors are read once.
        let groups = running.sorted { ($0.versionKey, $0.id) < ($1.versionKey, $1.id) }
        let writing = groups.reduce(0) { $0 + ($1.isReading ? 0 : $1.unfinished) }
        var room = max(1, rowLimit - writing)
        var batch = Batch()
        let chosen = Set(
            inTurn.filter { group in
                guard group.isReading, room > 0, group.clipsToEncode.isEmpty else { return false }
                room -= group.request.prompt.tokens.count - group.cache.count
                return true
            }.map(\.id))
        room = max(1, rowLimit - writing)
        for group in groups {
            if !group.isReading {
                appendAnswers(of: group, to: &batch)
            } else if chosen.contains(group.id), room > 0 {
                room -= appendPrompt(of: group, limit: room, to: &batch)
            }
        }
        if batch.tokens.isEmpty { return }
        let pass = Pass(runs: batch.runs, arithmetic: model.arithmetic)
        let decoder = model.model.decoder
        let ends = batch.pass(of: pass)
        let hidden = decoder.hidden(
            tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots,
            audio: batch.audio.isEmpty ? nil : concatenated(batch.audio), keyValues: .cached(batch.cached),
            wanted: batch.wanted.isEmpty ? nil : (batch.wanted.map(\.row), ends), pass)
        statistics.forwardPasses += 1
        // The batch's references to the caches must go before the answers grow, or every block would be copied.
        batch.cached = []
        if batch.wanted.isEmpty { return }
        let logits = decoder.logits(hidden, ends)
        for (row, (_, reader)) in batch.wanted.enumerated() {
            switch reader {
            case .prompt(let group): finishReading(group, logits, row: row)
            case .answer(let group, let answer): extend(answer, of: group, logits, row: row)
            }
        }
        running.removeAll { $0.unfinished == 0 }
    }

    private func appendAnswers(of group: Group, to batch: inout Batch) {
        for answer in group.answers where !answer.isFinished {
            let position = answer.cache.count
            answer.cache.extend(by: 1)
            batch.append([answer.tokens[answer.tokens.count - 1]], at: position, answer.cache, group.request.version)
            batch.wanted.append((batch.tokens.count - 1, .answer(group, answer)))
        }
    }

    /// Adds up to `limit` tokens of a prompt; returns how many.
    private func appendPrompt(of group: Group, limit: Int, to batch: inout Batch) -> Int {
        let prompt = group.request.prompt
        let start = group.cache.count
        let piece = start..<min(prompt.tokens.count, start + limit)
        group.cache.extend(by: piece.count)
        let firstRow = batch.tokens.count
        batch.append(prompt.tokens[piece], at: start, group.cache, group.request.version)
        for (clip, embedding) in zip(prompt.clips, group.embeddings) {
            let slots = clip.slots.clamped(to: piece)
            guard !slots.isEmpty, let embedding else { continue }
            batch.audioSlots += slots.map { firstRow + $0 - start }
            let rows = slots.lowerBound - clip.slots.lowerBound..<slots.upperBound - clip.slots.lowerBound
            batch.audio.append(rows.count == embedding.rows ? embedding : embedding.rowsCopy(rows))
        }
        if piece.upperBound == prompt.tokens.count {
            batch.wanted.append((batch.tokens.count - 1, .prompt(group)))
        }
        return piece.count
    }

    /// The prompt is read: its answers fork from it and take their first tokens.
    private func finishReading(_ group: Group, _ logits: Tensor, row: Int) {
        let request = group.request
        remember(group)
        group.embeddings = []
        group.answers = (0..<request.options.count).map { choice in
            Answer(
                choice: choice, cache: group.cache,
                sampler: Sampler(request.options, prompt: request.prompt.tokens, choice: choice),
                text: TextAssembler(model.tokenizer, stop: request.options.stop))
        }
        group.cache = KeyValueCache(shape: group.cache.shape)
        group.timings.firstToken = group.submitted.seconds
        for answer in group.answers { extend(answer, of: group, logits, row: row) }
    }

    /// Keeps a prompt's keys and values for the next that begins alike: of what is measured or judged only up to its first clip, for
    /// its questions come once.
    private func remember(_ group: Group) {
        var keys = group.keys[...]
        if group.request.yields, let words = group.request.prompt.clips.first?.slots.lowerBound {
            if group.timings.cachedTokens >= words { return }
            keys = keys.prefix(words)
        }
        prefixes.insert(group.cache.blocks, keys: keys, version: group.versionKey)
    }

    /// Chooses the next token of an answer and tells the client.
    private func extend(_ answer: Answer, of group: Group, _ logits: Tensor, row: Int) {
        let options = group.request.options
        let token = answer.sampler.choose(logits, row: row)
        group.timings.completionTokens += 1
        statistics.completionTokens += 1
        if model.endTokens.contains(token) && !options.ignoresEndOfTurn { return finish(answer, of: group, .stop) }
        answer.tokens.append(token)
        let logProbability = options.logProbabilities.map {
            TokenLogProbability(token, in: logits, row: row, alternatives: $0)
        }
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
        // The last token's keys and values were never computed.
        // What yields is measured or judged: nobody goes on from its answer, and the room is better kept for conversations.
        if !group.request.yields {
            let known = (group.keys + answer.tokens.map(Int64.init)).prefix(answer.cache.count)
            prefixes.insert(answer.cache.blocks, keys: known, version: group.versionKey)
        }
        answer.cache = KeyValueCache(shape: answer.cache.shape)
        group.tell(.finished(choice: answer.choice, reason: reason, text: answer.text.finish()))
        group.unfinished -= 1
        if group.unfinished == 0 { group.end() }
    }
}

extension EngineLoop.Batch {
    /// The pass over the wanted rows alone, which keep their order.
    fileprivate func pass(of whole: Pass) -> Pass {
        if whole.runs.count == 1 {
            return Pass(version: whole.runs[0].version, rows: wanted.count, arithmetic: whole.arithmetic)
        }
        var runs: [Pass.Run] = []
        for run in whole.runs {
            let many = wanted.count { run.rows.contains($0.row) }
            let start = runs.last?.rows.upperBound ?? 0
            if many > 0 { runs.append(Pass.Run(rows: start..<start + many, version: run.version)) }
        }
        return Pass(runs: runs, arithmetic: whole.arithmetic)
    }
}
