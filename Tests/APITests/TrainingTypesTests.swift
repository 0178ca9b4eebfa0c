import API
import Foundation
import Objectives
import Server
import Testing
import Workshop

@Suite struct TrainingTypesTests {
    @Test func stepWithEveryParameterIsReadAndWrittenBack() throws {
        let request = try read(
            CordStepRequest.self,
            #"""
            {"pairs":[
              {"id":"a","audio":{"data":"UklGRg=="},"text":"2+2?","answer":"4","rollouts":[{"text":"four","advantage":-0.5}]},
              {"audio":{"file_id":"file-1"},"text":"3+3?"},{"audio":{"path":"x/y.wav"},"text":"1+1?"}],
             "objective":{"method":"opd_top_k","top_k":5,"alpha":3,"beta":1.5,"token_temperature":0.7,"rollouts":8,
               "teacher":"current","reference":"gold","judge":{"kind":"match"},"reduction":"mean",
               "divide_by_deviation":true,"clip_ratio":0.2},
             "optimizer":{"learning_rate":1e-4,"lora_rank":8,"train":["projector","decoder"]},
             "include":["rollouts","tokens"],"seed":3}
            """#)
        #expect(request.pairs[0].audio == .data(Data("RIFF".utf8)))
        #expect(request.pairs[1].audio == .file(id: "file-1"))
        #expect(request.pairs[2].audio == .path("x/y.wav"))
        #expect(request.objective.loss.method == .opdTopK && request.objective.loss.topK == 5)
        #expect(request.objective.loss.sequenceTemperature == 1.5)
        #expect(request.optimizer.train == [.projector, .decoder])
    }

    @Test func thePapersValuesAreTheDefaults() {
        let objective = CordObjective().loss
        #expect(objective.topK == 20 && objective.alpha == 2 && objective.beta == 2 && objective.rollouts == 4)
        #expect(objective.tokenTemperature == 1 && objective.sequenceTemperature == 1.5)
        #expect(objective.maxRolloutTokens == 200 && objective.teacher == .frozen && !objective.dividesByDeviation)
        #expect(OptimizerOptions().learningRate == 3e-5)
    }

    @Test(arguments: [
        (#"{"pairs":[]}"#, "pairs"),
        (#"{"pairs":[{"audio":{},"text":"x"}]}"#, "pairs[0].audio"),
        (#"{"pairs":[{"audio":{"path":"a","file_id":"b"},"text":"x"}]}"#, "pairs[0].audio"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":""}]}"#, "pairs[0].text"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"objective":{"aplha":1}}"#, "objective.aplha"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"objective":{"teacher":"wise"}}"#, "objective.teacher"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"learning_rate":0}}"#, "optimizer.learning_rate"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"include":["all"]}"#, "include[0]"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"lora_dropout":1}}"#, "optimizer.lora_dropout"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"use_rslora":"yes"}}"#, "optimizer.use_rslora"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"target_modules":[]}}"#, "optimizer.target_modules"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"target_modules":[""]}}"#, "optimizer.target_modules"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"target_modules":{"q":1}}}"#, "optimizer.target_modules"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"target_modules":[1]}}"#, "optimizer.target_modules"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"rank_pattern":{"q_proj":0}}}"#, "optimizer.rank_pattern"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"rank_pattern":{"q_proj":"4"}}}"#, "optimizer.rank_pattern.q_proj"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"alpha_pattern":{"q_proj":0}}}"#, "optimizer.alpha_pattern"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"optimizer":{"alpha_pattern":[4]}}"#, "optimizer.alpha_pattern"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"id":"a"}]}"#, "replay[0].text"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"text":" "}]}"#, "replay[0].text"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"text":"x","answer":""}]}"#, "replay[0].answer"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"text":"x","audio":{}}]}"#, "replay[0].audio"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"id":"a","text":"x"},{"id":"a","text":"y"}]}"#, "replay"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"replay":[{"text":"x"}],"objective":{"replay_weight":0}}"#, "replay"),
        (
            #"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"objective":{"replay_weight":0,"replay_transcripts":0.5}}"#,
            "objective.replay_transcripts"
        ),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"advantage":1}]}]}"#, "pairs[0].rollouts[0].text"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"text":"y","logprobs":[-1]}]}]}"#, "pairs[0].rollouts[0].logprobs"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"tokens":[1],"logprobs":[1]}]}]}"#, "pairs[0].rollouts[0].logprobs"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"tokens":[]}]}]}"#, "pairs[0].rollouts[0].tokens"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"tokens":[-1]}]}]}"#, "pairs[0].rollouts[0].tokens"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x","rollouts":[{"tokens":[1],"finish_reason":"tired"}]}]}"#, "pairs[0].rollouts[0].finish_reason"),
        (#"{"pairs":[{"audio":{"path":"a"},"text":"x"}],"objective":{"estimator":"wise"}}"#, "objective.estimator"),
        (
            #"{"pairs":[{"id":"a","audio":{"path":"a"},"text":"x"},{"id":"a","audio":{"path":"a"},"text":"x"}]}"#,
            "pairs"
        ),
    ])
    func wrongStepIsNamed(json: String, path: String) {
        #expect(refusal(CordStepRequest.self, json).param == path)
    }

    /// What `client.fine_tuning.jobs.create` of the `openai` package sends.
    @Test func openAIsFineTuningRequestIsRead() throws {
        let request = try read(
            FineTuningRequest.self,
            #"""
            {"model":"cord-nano","training_file":"file-1","seed":4,"suffix":"x-1","metadata":{"a":"b"},
             "method":{"type":"supervised","supervised":{"hyperparameters":{"batch_size":"auto","n_epochs":3,
             "learning_rate_multiplier":0.5}}}}
            """#)
        #expect(request.method.type == .supervised)
        let hyperparameters = request.method.hyperparameters
        #expect(hyperparameters.learningRateMultiplier == 0.5 && hyperparameters.nEpochs == 3 && hyperparameters.batchSize == nil)
        #expect(try read(FineTuningRequest.self, text(request)) == request)
        let gated = try read(
            FineTuningRequest.self,
            #"""
            {"model":"m","training_file":"f","method":{"type":"cord","cord":{"hyperparameters":{"objective":{"top_k":3}}}},
             "cord":{"promote":{"if":"gap_reduced","max_text_drop":0.5}}}
            """#)
        #expect(gated.cord.promote?.condition == .gapReduced && gated.cord.promote?.maxTextDrop == 0.5)
        #expect(gated.method.hyperparameters.objective?.loss.topK == 3)
    }

    @Test(arguments: [
        (#"{"model":"m","training_file":"f","method":{"type":"dpo"}}"#, "method.type"),
        (#"{"model":"m","training_file":"f","integrations":[{"type":"wandb"}]}"#, "integrations"),
        (#"{"model":"m"}"#, "training_file"),
        (#"{"model":"m","training_file":"f","suffix":"../x"}"#, "suffix"),
        (#"{"model":"m","training_file":"f","hyperparameters":{"n_epochs":"many"}}"#, "hyperparameters.n_epochs"),
        (#"{"model":"m","training_file":"f","cord":{"promote":{}}}"#, "cord.promote.if"),
        (#"{"model":"m","training_file":"f","cord":{"promote":{"if":"always","max_retention_drop":1}}}"#, "cord.promote.max_retention_drop"),
        (#"{"model":"m","training_file":"f","cord":{"promote":{"if":"always","retain":["a","a"]}}}"#, "cord.promote.retain"),
    ])
    func wrongFineTuningRequestIsNamed(json: String, path: String) {
        #expect(refusal(FineTuningRequest.self, json).param == path)
    }

    /// What Float would turn into 0 makes no step, or weights that are NaN.
    @Test(arguments: [
        ("optimizer", "learning_rate", "1e-40"), ("optimizer", "learning_rate", "5e-324"), ("optimizer", "learning_rate", "1e400"),
        ("optimizer", "epsilon", "1e-46"), ("optimizer", "beta2", "1.0"),
        ("optimizer", "max_grad_norm", "1e-320"), ("optimizer", "lora_alpha", "1e-45"), ("optimizer", "lora_rank", "1e18"),
        ("optimizer", "weight_decay", "-0.1"), ("objective", "top_k", "9223372036854775808"), ("objective", "alpha", "1e308"),
        ("objective", "rollouts", "0"), ("objective", "max_rollout_tokens", "-9223372036854775808"), ("objective", "clip_ratio", "1e-45"),
        ("objective", "top_k_share", "1.5"), ("objective", "importance_bound", "0"), ("objective", "updates_per_rollout", "0"),
        ("objective", "reference_coefficient", "-1"), ("objective", "entropy_coefficient", "1e300"), ("objective", "teacher_temperature", "-1"),
        ("objective", "token_temperature", "0"), ("objective", "sequence_temperature", "1e300"),
    ])
    func numbersOutOfFloatsReachAreRefusedByName(part: String, member: String, number: String) {
        let json = #"{"model":"m","pairs":[{"audio":{"data":"UklGRg=="},"text":"a"}],"\#(part)":{"\#(member)":\#(number)}}"#
        #expect(refusal(CordStepRequest.self, json).param == "\(part).\(member)")
    }

    @Test func jobHasEveryMemberOfOpenAIsObject() throws {
        let job: FineTuningJob = try told(
            #"""
            {"object":"fine_tuning.job","id":"ftjob-1","created_at":1,"hyperparameters":{},"model":"m","organization_id":"org-local","seed":2,
             "status":"validating_files","training_file":"file-1","method":{"type":"cord"},"integrations":[],"result_files":[],
             "cord":{"paused":false,"step":0,"total_steps":3}}
            """#)
        let written = try WireValue(json: WireEncoder.encode(job))
        for member in [
            "id", "created_at", "error", "fine_tuned_model", "finished_at", "hyperparameters", "model", "object",
            "organization_id", "result_files", "seed", "status", "trained_tokens", "training_file", "validation_file",
            "estimated_finish", "integrations", "method",
        ] { #expect(written[member] != nil, "\(member)") }
        #expect(written["status"] == .string("validating_files"))
        #expect(try told(text(job)) == job)
    }

    @Test func aDivergedStepCanStillBeReported() throws {
        let form = #"{"grad_norm":"inf","learning_rate":0.5,"loss":"nan","rollout_tokens":1,"train_tokens":1}"#
        let metrics: CordMetrics = try told(form)
        #expect(metrics.loss.isNaN && metrics.gradNorm == .infinity)
        #expect(try text(metrics) == form)
    }

    @Test(arguments: [
        (#"{"model":"m","benchmark":"b","arms":["text","video"]}"#, "arms[1]"),
        (#"{"model":"m","benchmark":"b","arms":[]}"#, "arms"),
        (#"{"model":"m","benchmark":"b","limit":0}"#, "limit"),
        (#"{"model":"m","benchmark":"b","decoding":{"temperature":9}}"#, "decoding.temperature"),
        (#"{"model":"m","benchmark":"b","judge":{"kind":"match","endpoint":"http://x"}}"#, "judge.endpoint"),
        (#"{"model":"m","benchmark":"b","retain":"c"}"#, "retain"), (#"{"model":"m","benchmark":"b","retain":["c",""]}"#, "retain"),
    ])
    func wrongGapRunIsNamed(json: String, path: String) {
        #expect(refusal(GapRunRequest.self, json).param == path)
    }

    @Test func queriesAreReadStrictly() throws {
        let page = try WireDecoder.decode(PageQuery.self, form: [("limit", "5"), ("after", "file-1")])
        #expect(page.after == "file-1" && page.limit == 5 && page.order == .descending)
        #expect(throws: WireError.self) { try WireDecoder.decode(PageQuery.self, form: [("limit", "0")]) }
        #expect(throws: WireError.self) { try WireDecoder.decode(PageQuery.self, form: [("offset", "3")]) }
        let pair = try WireDecoder.decode(CompareQuery.self, form: [("base", "a"), ("candidate", "b")])
        #expect(pair.base == "a" && pair.candidate == "b" && pair.format == nil)
    }
}
