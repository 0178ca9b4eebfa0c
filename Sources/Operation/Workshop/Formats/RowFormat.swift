import Evaluation

/// A kind of row or message, with an example that is accepted as it is. ``all`` is the only definition of how data is written:
///
///     RowFormat.all ─ page()        ─ Sources/Operation/FORMATS.md
///                   ├ text(_:)      ─ cord data formats, cord gap formats
///                   ├ help(_:)      ─ cord train run, jobs create, eval, gap add, speak --help
///                   └ openAPI, told ─ /openapi.json: components.examples, and what its routes say of their files
package struct RowFormat: Sendable {
    /// The readers of a format.
    package enum Use: String, Sendable, CaseIterable {
        case training, questions, typed, request, step, batch, reward

        package var title: String {
            switch self {
            case .training: "Training rows"
            case .questions: "Question rows"
            case .typed: "Typed questions"
            case .request: "Requests"
            case .step: "Pairs of a step"
            case .batch: "Lines of a batch"
            case .reward: "Rewards"
            }
        }

        package var readBy: String {
            switch self {
            case .training:
                """
                `cord train FILE`, `cord jobs create FILE`, and uploads of the purpose `fine-tune` for `POST /v1/fine_tuning/jobs`: JSON lines, a \
                table, or a folder or archive with one (`manifest.jsonl`, `train.jsonl`, `questions.jsonl`, `metadata.jsonl`, `metadata.csv`) and its \
                clips. The kind is told row by row. Every clip is heard, or its line refused, before anything is learnt; a member that nobody reads \
                is refused by name, and `metadata` may hold anything.
                """
            case .questions:
                """
                `cord eval --benchmark FOLDER`, `cord gap add FOLDER`, and uploads of the purpose `evals` for `POST /v1/benchmarks`: JSON lines, or a \
                table, with the clips below their folder. The kind is told by the first row's columns.
                """
            case .typed: "`cord speak FILE`, which makes a folder of training and question rows of them; `cord questions` writes them."
            case .request: "A request over HTTP, as its body."
            case .step: "`POST /v1/cord/steps` and `POST /v1/cord/score`, as members of `pairs`."
            case .batch: "`POST /v1/batches`, as lines of an upload of the purpose `batch`."
            case .reward:
                """
                A program that `cord train --reward` or `cord serve --reward NAME=COMMAND` names gets the first as a line on its standard input and \
                answers with the second as a line; an endpoint gets and gives them as bodies.
                """
            }
        }
    }

    /// Its name in OpenAPI's `components.examples`.
    package let name: String
    package let title: String
    package let use: Use
    /// Its members, optional ones in brackets.
    package let members: String
    package let note: String?
    /// A JSON or table example that can be sent as it is.
    package let example: String
    /// The route whose body has this format.
    package let route: String?
    /// The command that exports a folder in this format.
    package let export: String?

    private init(
        _ use: Use, _ name: String, _ title: String, _ members: String, note: String? = nil, route: String? = nil, export: String? = nil,
        _ example: String
    ) {
        (self.use, self.name, self.title, self.members, self.note) = (use, name, title, members, note)
        (self.example, self.route, self.export) = (example, route, export)
    }

    /// How all formats write sound.
    package static let sound = """
        A clip is `{"data": BASE64}`, `{"file_id": ID}` or `{"path": PATH}`, in requests and rows alike: as `audio` beside a text, and in a turn of a \
        conversation as a part `{"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}`, whose `data` may be a `file_id` or `path` \
        instead. `data` is base64 or a data: URL, `file_id` an upload of the server, and a path lies below the row's file, or in a request, and in a \
        manifest that is uploaded alone, below the folder that the server's operator allows (`--audio-folder`). With keys, a request that names a `file_id` or `path` needs one for `measure` or \
        `train`. Rows may write a path alone, as `"audio": PATH`, and question rows of every format may have their clip in `audio`. `format` may be left \
        out: the bytes decide.
        """

    /// What is refused, and with which message.
    package static let refused = """
        A pair without sound is refused by every method but `supervised`, and so is one without text. There is no method that learns from \
        preferences: rows with `chosen` or `rejected` are refused. GRPO samples its own rollouts, from pairs; rollouts that somebody else sampled come \
        with a step, not with a file.
        """

    /// A tenth of a second of silence, as FLAC.
    private static let clip = "ZkxhQ4AAACIQABAAAAANAAANA+gA8AAABkCfCt/b50DLnNgYijV2HiR2//h1CAAGPzQAAABnvw=="
    private static let part = #"{"type": "input_audio", "input_audio": {"data": "\#(clip)", "format": "flac"}}"#

    package static let all: [RowFormat] = training + questions + others

    private static let training = [
        RowFormat(
            .training, "pair", "a question, spoken and typed alike",
            "audio, text [id, answer, solution, system, and what describes it, such as voice and category]",
            note: """
                `answer` is the right one, for judges and validation, `solution` the whole answer that the method supervised imitates (`answer` without it). \
                `audio` is also called audio_path, audio_url, file_name and the like, `text` also transcription, prompt and question.
                """,
            #"{"id": "sum-1", "audio": {"path": "audio/sum.flac"}, "text": "What is the sum of 17, 9 and 28?", "answer": "54", "solution": "17 + 9 = 26. 26 + 28 = 54. The answer is 54."}"#
        ),
        RowFormat(
            .training, "pair_with_data", "the same with its clip inside", "as a pair",
            #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "answer": "13"}"#),
        RowFormat(
            .training, "conversation", "a conversation, as OpenAI writes it", "messages of system, user and assistant [id, answer, audios]",
            note: """
                The method supervised imitates the assistant's turns, but for those of `weight` 0; the others take a conversation of one question as a pair, its \
                text part as the question typed.
                """,
            #"{"messages": [{"role": "user", "content": [\#(part), {"type": "text", "text": "What is 8 plus 5?"}]}, {"role": "assistant", "content": "8 + 5 = 13. The answer is 13."}]}"#
        ),
        RowFormat(
            .training, "conversation_with_audios", "a conversation with its clips beside it, as ms-swift and TRL write it",
            "messages, audios with a clip for each <audio> [id, answer]",
            #"{"messages": [{"role": "user", "content": "<audio>What is 8 plus 5?"}, {"role": "assistant", "content": "13"}], "audios": ["audio/sum.flac"]}"#
        ),
        RowFormat(
            .training, "sharegpt", "a conversation, as ShareGPT and LLaMA-Factory write it", "conversations of from and value [audios, system]",
            #"{"conversations": [{"from": "human", "value": "<audio>What is 8 plus 5?"}, {"from": "gpt", "value": "13"}], "audios": ["audio/sum.flac"]}"#
        ),
        RowFormat(
            .training, "query_response", "ms-swift's older rows", "query, response [history, system, audios]",
            #"{"query": "<audio>What is 8 plus 5?", "response": "13", "history": [], "audios": ["audio/sum.flac"]}"#),
        RowFormat(
            .training, "alpaca", "Alpaca's rows", "instruction, output [input, system, audios]",
            #"{"instruction": "<audio>What is 8 plus 5?", "input": "", "output": "13", "audios": ["audio/sum.flac"]}"#),
        RowFormat(
            .training, "table", "a table, such as an AudioFolder's metadata.csv", "the columns of a pair",
            """
            file_name,transcription,answer
            audio/sum.flac,What is 8 plus 5?,13
            """),
    ]

    private static let questions =
        ManifestFormat.allCases.map { format in
            RowFormat(
                .questions, "questions_" + format.rawValue, format.rawValue, format.columns, export: format.exportCommand, format.example)
        } + [
            RowFormat(
                .questions, "questions_cord_with_data", "cord, with its clip inside", "as cord",
                #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "answer": "13"}"#),
            RowFormat(
                .questions, "questions_conversation", "ms_swift, as OpenAI writes a conversation", "as ms_swift",
                #"{"messages": [{"role": "user", "content": [\#(part), {"type": "text", "text": "What is 8 plus 5?"}]}, {"role": "assistant", "content": "13"}]}"#
            ),
        ]

    private static let others = [
        RowFormat(
            .typed, "typed_question", "a question to be spoken", "id, text [answer, task, category, choices, solution, depth]",
            #"{"id": "sum-1", "text": "What is the sum of 17, 9 and 28?", "answer": "54", "task": "number", "solution": "17 + 9 = 26. 26 + 28 = 54. The answer is 54."}"#
        ),
        RowFormat(
            .request, "answer_request", "the short way", "text or audio, or both [system, model, stream, and how to sample]", route: "/v1/answers",
            #"{"audio": {"data": "\#(clip)"}, "max_tokens": 64}"#),
        RowFormat(
            .request, "chat_request", "a conversation, as OpenAI's client sends it", "messages [model, stream, tools, response_format, …]",
            route: "/v1/chat/completions",
            #"{"messages": [{"role": "user", "content": [\#(part)]}], "max_tokens": 64}"#),
        RowFormat(
            .request, "responses_request", "a conversation for /v1/responses", "input [model, instructions, stream, tools, text, …]",
            route: "/v1/responses",
            #"{"input": [{"role": "user", "content": [\#(part)]}], "max_output_tokens": 64}"#),
        RowFormat(
            .request, "inspect_request", "one question, spoken and typed, compared token by token",
            "audio, text [model, continuation, max_tokens, top, objective]",
            route: "/v1/gap/inspect",
            #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "continuation": "The answer is 13."}"#),
        RowFormat(
            .step, "step_pair", "a pair whose rollouts the server samples", "audio, text [id, answer, rollouts]", route: "/v1/cord/steps",
            #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "answer": "13"}"#),
        RowFormat(
            .step, "step_pair_with_rollouts", "a pair with rollouts that the client sampled, as texts, with their advantages",
            "as a pair; of a rollout text, or tokens [logprobs, finish_reason, advantage]",
            note: "Rollouts without an advantage are judged.", route: "/v1/cord/steps",
            #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "rollouts": [{"text": "The answer is 13.", "advantage": 1}, {"text": "The answer is 12.", "advantage": -1}]}"#
        ),
        RowFormat(
            .step, "step_pair_with_tokens", "the same as tokens, with the log-probabilities that they were drawn with", "as above",
            route: "/v1/cord/steps",
            #"{"audio": {"data": "\#(clip)"}, "text": "What is 8 plus 5?", "rollouts": [{"tokens": [33, 34], "logprobs": [-0.25, -1.5], "finish_reason": "length", "advantage": 1}, {"tokens": [35], "logprobs": [-2.0], "finish_reason": "length", "advantage": -1}]}"#
        ),
        RowFormat(
            .batch, "batch_line", "a request that is asked while others leave time",
            "custom_id, method, url, body: a request for /v1/chat/completions, /v1/completions or /v1/responses, the batch's endpoint",
            #"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": [\#(part)]}], "max_tokens": 16}}"#
        ),
        RowFormat(
            .reward, "reward_request", "the rollouts of one pair", "audio_id, question, reference, gold (null without one), rollouts",
            note: "`reference` is what the objective compares with: the teacher's answer or the right one.",
            #"{"audio_id": "sum-1", "question": "What is 8 plus 5?", "reference": "The answer is 13.", "gold": "13", "rollouts": ["The answer is 13.", "The answer is 12."]}"#
        ),
        RowFormat(
            .reward, "reward_answer", "a number a rollout", "rewards, from -1000000 to 1000000",
            #"{"rewards": [1, 0]}"#),
    ]
}
