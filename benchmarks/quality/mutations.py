#!/usr/bin/env python3
"""Breaks the code on purpose, one place at a time, and says which test notices.

    mutation → the file changed → build → the tests that should notice → caught · hung · SURVIVED · error → the file restored

It works in this checkout, whose tree must be clean, and first runs the tests without a mutation: what fails then says nothing. A
mutation whose snippet does not occur exactly once, or that does not compile, is an error. The table is Markdown; the exit code is 1
unless every mutation was caught. Where a few mutations are chosen, only the rooms that their tests need are built (CORD_ONLY of
Package.swift).

    mutations.py --list
    mutations.py > benchmarks/quality/mutations.md
    mutations.py --only token-weights prefix-version
"""

import argparse
import datetime
import os
import platform
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ["swift", "build", "--build-tests"]
TEST = ["swift", "test", "--skip-build", "--no-parallel", "--filter"]


@dataclass(frozen=True)
class Mutation:
    name: str
    file: str  # the end of its path below Sources, as much of it as makes it unique
    snippet: str  # occurs once
    replacement: str
    tests: str  # a filter of `swift test`

    def place(self):
        found = [p for p in ROOT.glob("Sources/**/*") if p.is_file() and str(p).endswith("/" + self.file)]
        if len(found) != 1:
            raise ValueError(f"{len(found)} files below Sources are named {self.file}")
        count = found[0].read_text().count(self.snippet)
        if count != 1:
            raise ValueError(f"the snippet occurs {count} times in {self.file}")
        return found[0]


MUTATIONS = [
    # Kernels: the readable references and their fast twins.
    Mutation("rms-norm-gradient", "norms.c", "- g_mean - (x[i] - mean) * r * gx_mean", "- g_mean + (x[i] - mean) * r * gx_mean", "CKernelsTests.RowTests"),
    Mutation("adamw-bias-correction", "optimiser.c", "(lr / (1 - pow(b1, t)))", "(lr / (1 - pow(b2, t)))", "CKernelsTests.RowTests"),
    Mutation("adamw-decay-without-rate", "optimiser.c", "(1 - lr * (double)weight_decay)", "(1 - (double)weight_decay)", "CKernelsTests.RowTests"),
    Mutation("rotation-sign", "CKernels/rope.c", "low[i] = a * cosine[i] - b * sine[i];", "low[i] = a * cosine[i] + b * sine[i];", "CKernelsTests.RowTests"),
    Mutation("attention-gradient-scale", "attention_backward.c", "float ds = shape->scale * p *", "float ds = p *", "CKernelsTests.AttentionTests"),
    Mutation("causal-mask-by-one", "attention_simd.h", "< (VI)(int32_t)visible ?", "<= (VI)(int32_t)visible ?", "CKernelsTests.AttentionTests"),
    Mutation("softmax-not-rescaled", "attention_simd.h", "V total = v_load(sum) * factor;", "V total = v_load(sum);", "CKernelsTests.AttentionTests"),
    Mutation("kl-gradient-not-centred", "vocabulary_simd.h", "a * (x - y - mean)", "a * (x - y)", "CKernelsTests.VocabularyTests"),
    Mutation("kl-swapped", "vocabulary.c", "row->reverse_kl = (float)divergence(s, s_lse, t, t_lse, n);", "row->reverse_kl = (float)divergence(t, t_lse, s, s_lse, n);", "CKernelsTests.VocabularyTests"),
    Mutation("gelu-gradient", "activations_simd.h", "v_fma(x * 0.39894228f,", "v_fma(x * -0.39894228f,", "CKernelsTests.RowTests"),
    Mutation("ctc-repeat-without-blank", "ctc.c", "clip->labels[s / 2] != clip->labels[s / 2 - 1]", "clip->labels[s / 2] >= 0", "PretrainingTests.GoldenTests|TensorsTests"),
    Mutation("pool-lock-ignored", "threads.c", "inside_region || pthread_mutex_trylock(&pool.owner) != 0", "inside_region || (pthread_mutex_trylock(&pool.owner), false)", "CKernelsTests.ThreadTests"),
    Mutation("pool-piece-taken-twice", "threads.c", "if (!atomic_compare_exchange_weak_explicit(&pool.next, &begin, end, memory_order_relaxed, memory_order_relaxed)) continue;", "atomic_store_explicit(&pool.next, end, memory_order_relaxed);", "CKernelsTests.ThreadTests"),
    Mutation("pool-owner-leaves-early", "threads.c", "if (atomic_load(&pool.left) != joined) {", "if (atomic_load(&pool.left) > joined) {", "CKernelsTests.ThreadTests"),
    Mutation("narrow-by-128", "CKernels/storage.c", "return finite == 0 ? largest / 127 : finite;", "return finite == 0 ? largest / 128 : finite;", "CKernelsTests.StorageTests|CKernelsTests.AttentionTests"),
    Mutation("narrow-nan-passes", "CKernels/storage.c", "return finite == 0 ? largest / 127 : finite;", "return largest / 127;", "CKernelsTests.StorageTests|CKernelsTests.AttentionTests"),
    Mutation("narrow-values-with-scales-of-keys", "CKernels/storage.c", "scales[(kv_heads + h) * key_columns + i] = ", "scales[h * key_columns + i] = ", "CKernelsTests.StorageTests|CKernelsTests.AttentionTests"),
    # Tensors: backward.
    Mutation("replaced-rows-keep-gradient", "Ops/Rows.swift", "for index in indices { unsafe dx.row(index).update(repeating: 0, count: dx.columns) }", "", "TensorsTests"),
    Mutation("sum-gradient-unscaled", "Ops/Activations.swift", "ck_axpy($0, scale, dy.pointer, dy.count)", "ck_axpy($0, 1, dy.pointer, dy.count)", "TensorsTests"),
    Mutation("checkpoint-keeps-parameters-only", "Tensors/Tape.swift", "if tape.isTracked(input), let inputGradient = inner.gradients[input.identity] {", "if !tape.isTracked(input), let inputGradient = inner.gradients[input.identity] {", "TensorsTests"),
    Mutation("muon-without-nesterov", "Ops/Muon.swift", "= g + mu * moved", "= moved", "PretrainingTests.GoldenTests|TensorsTests"),
    # Weights.
    Mutation("alignment-without-offset", "SafetensorsHeader.swift", "(dataOffset + range.lowerBound) % entry.dtype.blockBytes", "range.lowerBound % entry.dtype.blockBytes", "WeightsTests"),
    Mutation("trailing-bytes-pass", "SafetensorsHeader.swift", "guard covered == dataCount else", "guard covered <= dataCount else", "WeightsTests"),
    Mutation("file-not-synchronised", "AtomicFile.swift", "guard fsync(descriptor) == 0, unsafe rename(temporary, path) == 0 else", "guard unsafe rename(temporary, path) == 0 else", "WeightsTests"),
    # Audio.
    Mutation("mel-filter-area", "MelFilterBank.swift", "min(rise, fall)) * 2 /", "min(rise, fall)) /", "AudioTests.LogMelTests"),
    Mutation("mel-floor", "LogMelExtractor.swift", "let floor = loudest - 8", "let floor = loudest - 7", "AudioTests.LogMelTests"),
    Mutation("channels-summed", "Audio/Hearing.swift", "mono[frame] = sum / Float(channels)", "mono[frame] = sum", "AudioTests"),
    Mutation("nan-sample-passes", "Audio/Hearing.swift", "!($0.magnitude <= AudioDecoder.largestMagnitude)", "$0.magnitude > AudioDecoder.largestMagnitude", "AudioTests"),
    # Tokenization.
    Mutation("merge-forgets-left-neighbour", "BytePairMerges.swift", "if position > 0 { candidates[position - 1] =", "if position > 1 { candidates[position - 1] =", "TokenizationTests"),
    Mutation("stale-merge-applied", "BytePairMerges.swift", "guard merge(symbols[position], symbols[follower]) == entry.merge else", "guard merge(symbols[position], symbols[follower]) != Self.noRank else", "TokenizationTests"),
    Mutation("surrogate-held-back", "StreamingDetokenizer.swift", "first == 0xED ? 0x9F", "first == 0xED ? 0xBF", "TokenizationTests"),
    # Models.
    Mutation("fork-writes-shared-block", "KeyValueCache.swift", "if begun != 0, !isKnownUniquelyReferenced", "if begun < 0, !isKnownUniquelyReferenced", "ModelsTests|GenerationTests"),
    Mutation("narrow-scale-of-the-first", "Layers/KeyValueCache.swift", "base + shape.scaleOffset(layer: layer) + within, ", "base + shape.scaleOffset(layer: layer), ", "ModelsTests|GenerationTests"),
    Mutation("adapter-unscaled", "Layers/Linear.swift", "adapter.delta(dropped(x, adapter, pass), pass.tape), scale: adapter.scale,", "adapter.delta(dropped(x, adapter, pass), pass.tape), scale: 1,", "ModelsTests|GenerationTests.AdapterLoadingTests"),
    Mutation("huge-adapter-passes", "WeightVersion.swift", "first * second * Double(abs(scale))) <= Self.largestChange", "first * second * Double(abs(scale))) >= 0", "ModelsTests|GenerationTests.AdapterLoadingTests"),
    # Generation: cache, sampler, fair share.
    Mutation("prefix-version", "PrefixCache.swift", "guard var node = roots[version] else", "guard var node = roots.first?.value else", "GenerationTests"),
    Mutation("prefix-leaves-nothing", "PrefixCache.swift", "count += min(shared, keys.count - 1 - count)", "count += shared", "GenerationTests"),
    Mutation("product-cut-small", "Tensors/BLAS.swift", "private static let least = 1 << 20", "private static let least = 1 << 10", "TensorsTests.ThreadsTests"),
    Mutation("embedding-version", "EmbeddingCache.swift", 'let hearing = version?.hearing ?? ""', 'let hearing = ""', "GenerationTests|TrainingTests"),
    Mutation("negative-logit-penalised-upwards", "Sampler.swift", "logit > 0 ? logit / penalty : logit * penalty", "logit > 0 ? logit / penalty : logit / penalty", "GenerationTests.SamplerTests"),
    Mutation("top-p-by-one", "Sampler.swift", "best.removeLast(best.count - kept - 1)", "best.removeLast(max(0, best.count - kept - 2))", "GenerationTests.SamplerTests"),
    Mutation("fair-share-of-others", "FairShare.swift", "Self.share * Double(lowPriority + others)", "Self.share * Double(others)", "GenerationTests.FairShareTests"),
    Mutation("form-not-masked", "Generation/Sampler.swift", "masked(logits, row: row, allowed: $0.words)", "masked(logits, row: row, allowed: $0.words.map { _ in .max })", "GenerationTests.SamplerTests"),
    # Structure: masks of forms.
    Mutation("form-ends-anywhere", "Structure/Structure.swift", "if isWhole { for token in vocabulary.ends", "if true { for token in vocabulary.ends", "StructureTests"),
    Mutation("form-beyond-a-word", "Structure/Structure.swift", "words[place] |= others[place]", "words[place] &= others[place]", "StructureTests"),
    Mutation("form-covered-by-some", "Structure/Vocabulary.swift", "if others[first] == others[last] {", "if others[first] <= others[last] {", "StructureTests"),
    Mutation("form-dead-goes-on", "Structure/Structure.swift", "node = Int(ends[node])", "node += 1", "StructureTests"),
    # Objectives.
    Mutation("token-weights", "TokenImportance.swift", "(beta - (beta - 1) * place)", "(beta - beta * place)", "ObjectivesTests"),
    Mutation("advantage-of-population", "GroupAdvantage.swift", "Double(rewards.count - 1)", "Double(rewards.count)", "ObjectivesTests"),
    Mutation("clip-takes-larger", "PolicyGradient.swift", "if ratio * advantage <= clipped * advantage {", "if ratio * advantage >= clipped * advantage {", "ObjectivesTests"),
    Mutation("sampled-kl-sign", "SampledReverseKL.swift", "= Float(-value)", "= Float(value)", "ObjectivesTests"),
    Mutation("sampled-kl-without-ratio", "SampledReverseKL.swift", "let ratio = exp(Double(row.logProbability) - Double(old))", "let ratio = exp(Double(old) - Double(old))", "ObjectivesTests"),
    Mutation("sampled-kl-at-any-temperature", "Objectives/Objective.swift", "guard method == .opdSampled, tokenTemperature != 1 else", "guard method == .opdSampled, tokenTemperature > 1e9 else", "ObjectivesTests|APITests"),
    # Training and pretraining.
    Mutation("gradient-not-clipped", "Training/Trainer.swift", "options.maxGradientNorm, norm > limit {", "options.maxGradientNorm, norm > limit * 1e30 {", "TrainingTests.TrainerTests"),
    Mutation("nan-gradient-applied", "Training/Trainer.swift", "if !squares.isFinite {", "if squares == .infinity {", "TrainingTests"),
    Mutation("sum-over-pairs", "GradientPass.swift", "scaled(by: 1 / Double(counts.pairs))", "scaled(by: 1)", "TrainingTests"),
    Mutation("teacher-is-live", "GradientPass.swift", "objective.teacher == .frozen ? frozenTeacher : live", "objective.teacher == .frozen ? live : frozenTeacher", "TrainingTests"),
    Mutation("dropout-not-scaled", "Models/Dropout.swift", "let scale = Float(1 / (1 - probability))", "let scale: Float = 1", "TrainingTests.LoRATests"),
    Mutation("dropout-by-place", "GradientPass.swift", "answers: pair.answers.map(\\.tokens), stream: pair.stream)", "answers: pair.answers.map(\\.tokens), stream: 0)", "TrainingTests.LoRATests"),
    Mutation("rslora-over-rank", "AdapterSettings.swift", "isRankStabilized ? Double(rank).squareRoot() : Double(rank)", "Double(rank)", "TrainingTests.LoRATests"),
    Mutation("idle-first-step", "Schedule.swift", "Double(step + 1) / Double(warmupSteps + 1)", "Double(step) / Double(warmupSteps + 1)", "TrainingTests"),
    Mutation("replay-unscaled", "Objectives/Annotations.swift", "source == .replay ? Double(pairs) / Double(max(1, replays)) : 1", "1", "ObjectivesTests|TrainingTests.ReplayTests"),
    Mutation("replay-follows-the-weights", "GradientPass.swift", "case .replay: teacherRows(pairs, .replay, frozenTeacher)", "case .replay: teacherRows(pairs, .replay, live)", "TrainingTests.ReplayTests"),
    Mutation("given-answer-not-replayed", "Trainer+Replay.swift", "try prompts.targets.first.map { try SampledAnswer", "try prompts.targets.dropFirst().first.map { try SampledAnswer", "TrainingTests.ReplayTests"),
    Mutation("no-transcript-at-the-least", "Trainer+Replay.swift", "random.sample(max(1, Int((share", "random.sample(max(0, Int((share", "TrainingTests.ReplayTests"),
    Mutation("unlearnt-turn-learnt", "TurnReader.swift", "case .integer(0), .real(0), .boolean(false): isLearnt = false", "case .integer(0), .real(0), .boolean(false): isLearnt = true", "TrainingTests.RowTests"),
    Mutation("gpt-is-a-user", "TurnReader.swift", '"gpt": .assistant,', '"gpt": .user,', "TrainingTests.RowTests"),
    Mutation("torn-line-remembered", "LineCache.swift", "if start < bytes.count { write([Self.newline]) }", "", "TrainingTests.CacheTests"),
    Mutation("best-is-the-worst", "EarlyStopping.swift", "return values.min { ($0.value, $0.step) < ($1.value, $1.step) }?.step", "return values.max { ($0.value, $0.step) < ($1.value, $1.step) }?.step", "TrainingTests.EarlyStoppingTests"),
    Mutation("audio-slots-unshifted", "Pretraining/Example.swift", "{ $0 - shared.count + start }", "{ $0 + start }", "PretrainingTests"),
    Mutation("equal-neighbours-merge", "TextStage.swift", "last = token", "last = nil", "PretrainingTests.StageTests/frames"),
    # Measuring.
    Mutation("small-sample-factor", "Statistics/Clusters.swift", "(groups / (groups - 1) * residuals)", "(groups / groups * residuals)", "EvaluationTests.StatisticsTests"),
    Mutation("holm-is-bonferroni", "Statistics/Agreement.swift", "Double(values.count - rank)", "Double(values.count - 0 * rank)", "EvaluationTests.StatisticsTests"),
    Mutation("newcombe-uncorrected", "Statistics/PairedCounts.swift", "determinant > n / 2 ? determinant - n / 2 :", "determinant > n / 2 ? determinant :", "EvaluationTests.StatisticsTests"),
    Mutation("quotient-sign", "DecimalValue.swift", "let sign = isNegative != other.isNegative", "let sign = isNegative == other.isNegative", "JudgingTests"),
    Mutation("joined-letters-guessed", "ChoiceReading.swift", "contains(where: { $0.name != first.name }) { return .failure(.severalChoices) }", "contains(where: { $0.name == first.name }) { return .failure(.severalChoices) }", "JudgingTests"),
    Mutation("split-leaks", "QuestionGenerator.swift", "if question.split == split { return question }", "if !question.text.isEmpty { return question }", "QuestionsTests"),
    Mutation("week-not-reduced", "CalendarQuestions.swift", "steps >= 7", "steps > 7", "QuestionsTests"),
    # Jobs.
    Mutation("old-attempt-moves-job", "Store+Jobs.swift", "guard before.state.successors.contains(state), isAllowed else", "guard before.state.successors.contains(state), isAllowed || attempt != nil else", "JobsTests"),
    Mutation("queue-by-one", "Store+Jobs.swift", "guard waiting < limit else", "guard waiting <= limit else", "JobsTests"),
    Mutation("rollback-to-deleted", "Store+Versions.swift", "if id != leaving, try exists(db, version: id) { break }", "if id != leaving { break }", "JobsTests"),
    Mutation("content-not-synchronised", "Jobs/ContentStore.swift", "        try file.synchronize()\n        let stored", "        let stored", "JobsTests"),
    # HTTP, API, Encodings.
    Mutation("scope-unchecked", "HTTP/Authentication.swift", "guard !found.scopes.isDisjoint(with: scope) else", "guard !found.scopes.isEmpty else", "HTTPTests.OneAtATime/AccessTests"),
    Mutation("repeated-key-passes", "HTTP/Authentication.swift", "var difference = presented.count ^ secret.count", "var difference = 0", "HTTPTests.OneAtATime/AccessTests"),
    Mutation("host-by-ending", "AllowedHosts.swift", 'name.hasSuffix(".localhost")', 'name.hasSuffix("localhost")', "HTTPTests.OneAtATime/AccessTests"),
    Mutation("two-lengths", "HTTP/Framing.swift", "guard lengths.count == 1, text.utf8", "guard text.utf8", "HTTPTests.OneAtATime/FramingTests/ambiguous"),
    Mutation("depth-by-one", "JSONGuard.swift", "if depth > maxDepth {", "if depth > maxDepth + 1 {", "APITests"),
    Mutation("surrogates-unpaired", "JSONGuard.swift", "(0xDC00...0xDFFF).contains(try", "(0xD800...0xDFFF).contains(try", "APITests"),
    Mutation("line-end-counted-twice", "CSVRecords.swift", "if byte == 13, self.byte == 10 { position += 1 }", "if byte == 13, self.byte == 10 { position += 0 }", "EncodingsTests"),
    Mutation("hex-digits-swapped", "DataURL.swift", "bytes.append(high << 4 | low)", "bytes.append(low << 4 | high)", "EncodingsTests"),
    # Workers, Archives, Patterns.
    Mutation("line-by-one", "WorkerThreads.swift", "inHand - count < limit", "inHand - count <= limit", "WorkersTests"),
    Mutation("climbing-path", "ArchiveReader.swift", 'guard !parts.contains("..") else', 'guard parts.first != ".." else', "ArchivesTests"),
    Mutation("unpacked-bytes-uncounted", "ArchiveReader.swift", "written += piece.count", "written = piece.count", "ArchivesTests"),
    Mutation("steps-uncharged", "PatternBudget.swift", "left.steps -= steps", "left.steps -= steps & 0", "PatternsTests|WeightsTests.PEFTConfigurationTests"),
    # Server.
    Mutation("clips-not-added-up", "ClipBudget.swift", "heardSeconds += clip.seconds", "heardSeconds = clip.seconds", "ServerTests.BadInputTests"),
    Mutation("link-local-is-public", "RemoteAudio.swift", "(0xA9FE_0000, 16)", "(0xA9FE_0000, 32)", "WorkshopTests.RemoteAudioTests"),
    Mutation("thoughts-among-log-probabilities", "ResponseProgress.swift", "untold.removeFirst(min(thoughtTokens, untold.count))", "untold.removeFirst(0)", "ServerTests.ResponsesRouteTests"),
    Mutation("cut-thought-as-message", "ResponseProgress.swift", "if reason != .length { say(", "do { say(", "ServerTests.ResponsesRouteTests"),
    Mutation("demanded-call-of-any-form", "AnswerForm.swift", "schema: forced || tool.strict ? schema : nil", "schema: tool.strict ? schema : nil", "ServerTests.ToolCallTests"),
    Mutation("call-ends-within-a-string", "ToolCallStream.swift", "case UInt8(ascii: \"\\\"\"): isString = true", "case UInt8(ascii: \"\\\"\"): isString = false", "StructureTests.ToolCallTests"),
    Mutation("batch-before-others", "ChatCompletionsRoute.swift", "form, runtime, clips, isLowPriority: true)", "form, runtime, clips, isLowPriority: false)", "ServerTests.BatchTests"),
    Mutation("batch-asks-again", "Batches.swift", "filter { !answers.has($0) }.makeIterator()", "filter { _ in true }.makeIterator()", "ServerTests.BatchTests"),
    Mutation("adapter-named-base", "VersionRegistry.swift", "if name == pinnedBaseName || name == Entry.baseVersionID {", "if name == pinnedBaseName {", "ServerTests.AdapterTests"),
]


def run(command, seconds):
    """The output, and the exit status: None where it had to be ended."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
        return output, process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def failed(output):
    """The tests that failed; where none says so, the last that began: it ended the process, or never ended itself."""

    def names(sign, end):
        found = re.findall(rf"{sign} Test (?!run |case )(.+?)(?: with \d+ test cases?)? {end}", output)
        return list(dict.fromkeys(found))

    ended = names("✔", "passed after")
    return names("✘", "failed after") or [name for name in names("◇", r"started\.") if name not in ended][-1:]


def tested(tests, seconds):
    """A word for how the tests went, and which failed."""
    output, status = run(TEST + [tests], seconds)
    if status is None:
        return "hung", failed(output)
    if status == 0:
        ran = sum(map(int, re.findall(r"Test run with (\d+) tests?", output)))
        return ("passed" if ran else "none ran"), []
    return "failed", failed(output)


def tried(mutation, options):
    """The verdict on one mutation, and the tests that say so."""
    try:
        place = mutation.place()
    except ValueError as error:
        return "error", [str(error)]
    original = place.read_bytes()
    try:
        place.write_text(original.decode().replace(mutation.snippet, mutation.replacement))
        output, status = run(BUILD, options.build_seconds)
        if status != 0:
            reason = re.search(r"error: .*", output)
            return "error", [f"does not compile: {reason.group() if reason else output[-200:]}"]
        outcome, tests = tested(mutation.tests, options.seconds)
        if outcome == "none ran":
            return "error", [f"no test is named {mutation.tests}"]
        return {"passed": "SURVIVED", "failed": "caught", "hung": "hung"}[outcome], tests
    finally:
        place.write_bytes(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutations alone")
    parser.add_argument("--list", action="store_true", help="name the mutations, check that their places are there, and end")
    parser.add_argument("--seconds", type=float, default=300, help="for one mutation's tests; longer is a hang")
    parser.add_argument("--build-seconds", type=float, default=1800)
    options = parser.parse_args()
    unknown = set(options.only or []) - {m.name for m in MUTATIONS}
    if unknown:
        parser.error(f"no mutation is named {', '.join(sorted(unknown))}")
    chosen = [m for m in MUTATIONS if not options.only or m.name in options.only]
    if options.list:
        missing = False
        for mutation in chosen:
            try:
                mutation.place()
                print(f"{mutation.name:34} {mutation.file:28} {mutation.tests}")
            except ValueError as error:
                missing = True
                print(f"{mutation.name:34} ERROR: {error}")
        return missing
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    if changed:
        parser.error(f"the tree has changes that a mutation could be mixed up with:\n{changed}")
    # Ended politely, it restores the file all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    filters = "|".join(dict.fromkeys(m.tests for m in chosen))
    if options.only:
        os.environ["CORD_ONLY"] = ",".join(sorted({part.split(".")[0] for m in chosen for part in m.tests.split("|")}))
    output, status = run(BUILD, options.build_seconds)
    if status != 0:
        sys.exit(f"the code does not build:\n{output[-2000:]}")
    outcome, tests = tested(filters, 3600)
    if outcome != "passed":
        sys.exit(f"without a mutation the tests end with \"{outcome}\": {', '.join(tests)}")

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    print(f"# Mutations\n\n{datetime.date.today()} · {commit} · {platform.machine()}, {os.cpu_count()} cores · n = {len(chosen)} · "
          "by `benchmarks/quality/mutations.py`\n")
    print("| mutation | file | becomes | verdict | by | s |\n|---|---|---|---|---|---|", flush=True)
    verdicts = []
    for mutation in chosen:
        start = time.monotonic()
        verdict, tests = tried(mutation, options)
        verdicts.append(verdict)
        more = f" and {len(tests) - 2} more" if len(tests) > 2 else ""
        by = (", ".join(tests[:2]) + more).replace("|", "\\|")
        code = lambda text: "`" + " ".join(text.split()).replace("|", "\\|") + "`" if text else "nothing"
        print(f"| {mutation.name} | {Path(mutation.file).name} | {code(mutation.snippet)} → {code(mutation.replacement)} | {verdict} | "
              f"{by} | {time.monotonic() - start:.0f} |", flush=True)
    good = sum(v in ("caught", "hung") for v in verdicts)
    print(f"\n{good} of {len(verdicts)} caught.")
    return good < len(verdicts)


if __name__ == "__main__":
    sys.exit(main())
