import Foundation
import Generation
import Models
import Workshop

extension Runtime {
    /// The metrics by which routers choose a server. Their names are vLLM's, which the Gateway API's inference extension reads.
    ///
    /// Source: vLLM's production metrics; the model server protocol of gateway-api-inference-extension.
    func describeToRouters(on page: inout Exposition, _ answers: AnswerHistograms) {
        let statistics = engine.statistics
        let model = [("model_name", versions.baseName)]
        func tell(_ name: String, _ type: String, _ help: String, _ value: Double) {
            page.begin("vllm:" + name, type, help)
            page.sample(model, value)
        }
        let used = Double(statistics.cacheBlocks) / Double(max(1, statistics.cacheBlockLimit))
        tell("num_requests_running", "gauge", "Requests that are being answered.", Double(statistics.runningRequests))
        tell("num_requests_waiting", "gauge", "Requests in the queue.", Double(statistics.waiting))
        tell("kv_cache_usage_perc", "gauge", "Share of the blocks of keys and values in use, 1 for all.", used)
        tell("gpu_cache_usage_perc", "gauge", "The same by its older name; here the memory is the machine's.", used)
        page.begin("vllm:cache_config_info", "gauge", "How large the cache of keys and values is, in blocks, and a block, in tokens.")
        page.sample(model + [("block_size", "\(KeyValueBlock.tokens)"), ("num_gpu_blocks", "\(statistics.cacheBlockLimit)")], 1)
        tell("prompt_tokens_total", "counter", "Tokens of prompts, audio embeddings included.", Double(statistics.promptTokens))
        tell("generation_tokens_total", "counter", "Tokens generated.", Double(statistics.completionTokens))
        tell("spec_decode_num_drafts_total", "counter", "Guesses of an answer's next tokens that a pass computed.", Double(statistics.drafts))
        tell("spec_decode_num_draft_tokens_total", "counter", "Tokens that were guessed.", Double(statistics.draftTokens))
        tell("spec_decode_num_accepted_tokens_total", "counter", "Guessed tokens that answers have.", Double(statistics.acceptedTokens))
        func tell(_ name: String, _ help: String, _ histogram: Histogram) {
            page.begin("vllm:" + name, "histogram", help)
            page.histogram(histogram, model)
        }
        tell("time_to_first_token_seconds", "From a question's arrival to the first token of its answer.", answers.firstToken)
        tell("inter_token_latency_seconds", "Between one token of an answer and the next.", answers.betweenTokens)
        tell("request_time_per_output_token_seconds", "The mean of that over a request.", answers.perToken)
        tell("e2e_request_latency_seconds", "From a question's arrival to the last token.", answers.whole)
        tell("request_queue_time_seconds", "From submission to the first forward pass.", answers.queued)
        tell("request_prefill_time_seconds", "From the first forward pass to the first token.", answers.prefill)
        tell("request_decode_time_seconds", "From the first token to the last.", answers.decode)
        tell("request_prompt_tokens", "Tokens of a request's prompt, audio embeddings included.", answers.promptTokens)
        tell("request_generation_tokens", "Tokens of a request's answers.", answers.completionTokens)
        page.begin("vllm:lora_requests_info", "gauge", "The adapters that requests run with and wait for; its value is the Unix time.")
        page.sample(
            [
                ("max_lora", "\(engine.limits.sequences)"), ("running_lora_adapters", names(of: statistics.runningVersions)),
                ("waiting_lora_adapters", names(of: statistics.waitingVersions)),
            ], Date().timeIntervalSince1970)
    }

    /// The names under which requests ask for the weight versions, separated by commas. The version in force goes by the base's name.
    private func names(of ids: Set<String>) -> String {
        let entries = versions.entries
        return ids.subtracting([entries[0].versionID]).map { id in entries.first { $0.versionID == id }?.name ?? id }.sorted()
            .joined(separator: ",")
    }
}
