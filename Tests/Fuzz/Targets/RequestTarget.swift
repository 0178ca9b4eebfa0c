import API
import Foundation

extension FuzzTarget {
    /// Bodies of every route, each read as every type; what is accepted reads the same once it was written.
    static let requests = FuzzTarget(
        name: "requests", seeds: { examples.map { Data($0.utf8) } },
        run: { data in
            func reads<Value: Codable & Equatable>(_ type: Value.Type) {
                guard let value = try? WireDecoder.decode(type, from: data) else { return }
                guard let written = try? WireEncoder.encode(value), let again = try? WireDecoder.decode(type, from: written)
                else {
                    preconditionFailure("\(type) does not read what it wrote")
                }
                precondition(value == again, "\(type) changes when it is written")
            }
            _ = try? WireDecoder.decode(ChatCompletionRequest.self, from: data)
            reads(FineTuningRequest.self)
            reads(GapRunRequest.self)
            _ = try? WireDecoder.decode(AnswerRequest.self, from: data)
            _ = try? WireDecoder.decode(CordStepRequest.self, from: data)
            _ = try? WireDecoder.decode(InspectRequest.self, from: data)
            _ = try? WireDecoder.decode(TokenizeRequest.self, from: data)
            _ = try? WireDecoder.decode(DetokenizeRequest.self, from: data)
            _ = try? WireDecoder.decode(BenchmarkRequest.self, from: data)
            _ = try? WireDecoder.decode(LoadAdapterRequest.self, from: data)
            _ = try? WireDecoder.decode(WireValue.self, from: data)
        })

    private static let examples = [
        #"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}],"temperature":0.7,"top_p":0.9,"top_k":40,"min_p":0.05,"n":2,"seed":7,"stop":["x"],"stream":true,"stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":5}"#,
        #"{"model":"m","messages":[{"role":"user","content":[{"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,UklGRg=="}}]}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}},"max_completion_tokens":64}"#,
        #"{"text":"What is 8 plus 5?","temperature":1e-3,"max_tokens":9,"stream":false}"#,
        #"{"model":"m","pairs":[{"id":"1","audio":{"data":"UklGRg=="},"text":"a","answer":"b","rollouts":[{"text":"c","advantage":-1.5}]}],"objective":{"method":"cord","top_k":20,"alpha":2,"beta":2,"rollouts":4},"optimizer":{"learning_rate":3e-5,"lora_rank":8,"train":["decoder"]},"include":["tokens"],"seed":1}"#,
        #"{"model":"m","training_file":"file-1","validation_file":"file-2","suffix":"a","seed":3,"metadata":{"a":"b"},"method":{"type":"cord","cord":{"hyperparameters":{"n_epochs":2,"batch_size":"auto","learning_rate_multiplier":0.5,"steps":10,"warmup_steps":2,"schedule":"cosine"}}},"cord":{"promote":{"if":"gap_narrows","max_text_drop":1,"limit":10}}}"#,
        #"{"model":"m","benchmark":"cord-bench-1","limit":10,"seed":1,"arms":["text","audio"],"decoding":{"temperature":0},"judge":{"kind":"model","model":"m"},"divergence":32,"extraction":"strict"}"#,
        #"{"model":"m","text":"a","audio":{"data":"UklGRg=="},"continuation":"b","top":3}"#,
        #"{"model":"m","messages":[{"role":"user","content":"a"}],"add_generation_prompt":true}"#,
        #"{"model":"m","tokens":[1,2,3]}"#,
        #"{"name":"a","file_id":"file-1","format":"voicebench"}"#, #"{"lora_name":"a","lora_path":"/a"}"#,
        #"[1,-2.5e-3,"\ud83d\ude00",null,true,{"a":{}}]"#,
    ]
}
