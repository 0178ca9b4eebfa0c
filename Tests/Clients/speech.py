"""Has recordings written down by the official `openai` package, unchanged: every format, streamed and whole, and what is refused.

    cord serve & python speech.py [http://127.0.0.1:8080/v1]
"""

import openai
from shared import base_url, check, recording

client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
model = client.models.list().data[0].id


def transcribe(**members):
    with recording("sum").open("rb") as file:
        return client.audio.transcriptions.create(file=file, **{"model": model} | members)


whole = transcribe()
check("json", "sum of" in whole.text, whole)
check("text", transcribe(response_format="text").strip() == whole.text)
verbose = transcribe(response_format="verbose_json", language="en", temperature=0, timestamp_granularities=["segment"])
check("verbose_json", verbose.text == whole.text and verbose.segments[0].end <= verbose.duration + 0.01, verbose)
for form, head in (("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n00:00:0")):
    subtitles = transcribe(response_format=form)
    check(form, subtitles.startswith(head) and whole.text in subtitles, subtitles)
events = list(transcribe(stream=True))
check("stream", "".join(e.delta for e in events if e.type == "transcript.text.delta") == events[-1].text == whole.text, events)
for what, call, refused in (
    ("words' times", lambda: transcribe(response_format="verbose_json", timestamp_granularities=["word"]), openai.BadRequestError),
    ("no sound", lambda: client.audio.transcriptions.create(file=("a.wav", b"no sound"), model=model), openai.APIStatusError),
    ("unknown model", lambda: transcribe(model="whisper-1"), openai.NotFoundError),
):
    try:
        call()
        check(what + " are refused", False)
    except refused as error:
        check(what, error.body["message"], error.body)
