"""Has answers typed by the `instructor` package, unchanged: by a tool, by JSON and by a schema.

    cord serve & python instructor_schema.py [http://127.0.0.1:8080/v1]
"""

from typing import Literal

import instructor
import openai
from pydantic import BaseModel, Field
from shared import base_url, check, question, spoken

client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
name = client.models.list().data[0].id


class Answer(BaseModel):
    kind: Literal["number", "word"]
    value: int = Field(ge=0, le=1000)
    certain: bool


for mode in (instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA):
    typed = instructor.from_openai(client, mode=mode)
    for what, messages in (("typed", [{"role": "user", "content": question}]), ("spoken", spoken("sum"))):
        answer = typed.chat.completions.create(
            model=name, response_model=Answer, messages=messages, max_retries=1, temperature=0, max_tokens=200)
        check(f"{mode.name}, {what}", isinstance(answer, Answer) and 0 <= answer.value <= 1000, answer)
