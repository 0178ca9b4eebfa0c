import Testing

import Models

struct TranscribingTests {
    @Test(arguments: [
        ("Hello there.", "Hello there."), ("The transcription of the audio is 'Hello there.'.", "Hello there."),
        ("The spoken content of the audio is \"Hello.\"", "Hello."), (" 'tis late ", "'tis late"), ("", ""),
    ]) func quotesAreTakenOff(answer: String, text: String) {
        let reading = TranscriptionPrompt.Reading.quoted(after: ["The spoken content of the audio is", "The transcription of the audio is"])
        let read = reading.read(answer)
        #expect(read.text == text && read.language == nil)
    }

    @Test(
        arguments: [
            ("language English<asr_text>Hello.", "Hello.", "English"), ("language None<asr_text>", "", nil), ("Hello.", "Hello.", nil),
        ] as [(String, String, String?)]) func tagsTellTheLanguage(answer: String, text: String, language: String?)
    {
        let read = TranscriptionPrompt.Reading.tagged("<asr_text>").read(answer)
        #expect(read.text == text && read.language == language)
    }

    @Test func aLanguageHasItsPlaceInTheWords() {
        let words = TranscriptionPrompt.Words("Transcribe the {language} audio.")
        #expect(words.user(language: "French") == "Transcribe the French audio.")
        #expect(words.user(language: nil) == "Transcribe the audio.")
    }
}
