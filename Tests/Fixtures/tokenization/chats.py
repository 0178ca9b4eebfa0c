"""Chat templates in the forms that published audio models use, single constructs of Jinja, and conversations for them."""

QWEN2_AUDIO = """{% set audio_count = namespace(value=0) %}{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}{% if 'audio' in content or 'audio_url' in content or message['type'] == 'audio' or content['type'] == 'audio' %}{% set audio_count.value = audio_count.value + 1 %}Audio {{ audio_count.value }}: <|audio_bos|><|AUDIO|><|audio_eos|>
{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

OMNI = """{% set audio_count = namespace(value=0) %}{% set image_count = namespace(value=0) %}{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a virtual human.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|vision_bos|><|IMAGE|><|vision_eos|>{% elif content['type'] == 'audio' or 'audio' in content or 'audio_url' in content %}{% set audio_count.value = audio_count.value + 1 %}{% if add_audio_id %}Audio {{ audio_count.value }}: {% endif %}<|audio_bos|><|AUDIO|><|audio_eos|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

QWEN3 = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                {{- '<tool_call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

STEP_AUDIO = """{%- macro render_content(content) -%}
{%- if content is string -%}{{- content.replace("<audio_patch>\\n", "<audio_patch>") -}}
{%- elif content is mapping -%}{{- content['value'] if 'value' in content else content['text'] -}}
{%- elif content is iterable -%}
{%- for item in content -%}
{%- if item.type == 'text' -%}{{- item['value'] if 'value' in item else item['text'] -}}{%- elif item.type == 'audio' -%}<audio_patch>{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- for message in messages -%}
{%- set role = message['role'] -%}
{%- if role == 'user' -%}{%- set role = 'human' -%}{%- endif -%}
<|BOT|>{{ role }}
{{ render_content(message['content']) }}{%- if not loop.last or role != 'assistant' -%}<|EOT|>{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|BOT|>assistant
{% endif -%}"""

VOXTRAL = """{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif %}
{%- for message in loop_messages %}
{%- if message['role'] not in ['user', 'assistant'] %}{{ raise_exception('Only user and assistant roles are supported, found ' ~ message.role ~ '!') }}{% endif %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}
{%- if message['role'] == 'user' %}
{{- '[INST]' }}{% if loop.last and system is defined %}{{ system + '\\n\\n' }}{% endif %}
{%- if message['content'] is string %}{{ message['content'] }}{% else %}{% for block in message['content'] | selectattr('type', 'equalto', 'audio') %}{{ '[BEGIN_AUDIO][AUDIO]' }}{% endfor %}{{ message['content'] | selectattr('type', 'eq', 'text') | map(attribute='text') | join('\\n') }}{% endif %}
{{- '[/INST]' }}
{%- else %}{{ message['content'] | trim + eos_token }}{% endif %}
{%- endfor %}
"""

LLAMA3 = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%Y") | length | string %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{#- This block extracts the system message, so we can slot it into the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ (message['content'] if message.content is string else message.content | string) | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

GEMMA = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'audio' -%}
                {{ '<audio_soft_token>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\\n'}}
{%- endif -%}
"""

MODELS = {"qwen2-audio": QWEN2_AUDIO, "omni": OMNI, "qwen3": QWEN3, "step-audio": STEP_AUDIO, "voxtral": VOXTRAL, "llama3": LLAMA3,
          "gemma": GEMMA}

CONSTRUCTS = [
    "{% if true %}\n  a\n{% endif %}\nb\n  {% if true %}c{% endif %}  \n\t{# comment #}\nd",
    "x\n   {%- if true -%}   \n y \n {%- endif +%}\n z {%+ if true %} w {% endif %}",
    "{% raw %}{{ no }} {% if %}{% endraw %}\nafter {%- raw -%}  {{ x }}  {%- endraw -%}  z",
    "{{ 'a\\tb\\n\\\\c\\'d' }}{{ \"q\\u00e9\\x41\\q\" }}{{ 'one' 'two' }}",
    "{{ 1 + 2 * 3 - 4 // 3 % 2 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 1.5 * 2 }} {{ 1e3 }} {{ 7.5 // 2 }}",
    "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ not 1 }} {{ 1 and 0 or 'x' }} {{ none }} {{ true }} {{ 3 not in [1, 2] }}",
    "{{ [1, 'a', none, true, 2.5, {'k': [\"it's\"]}] }} {{ (1,) }} {{ () }} {{ {'a': 'b\\n'} }} {{ 'x' ~ 1 ~ none ~ [1] }}",
    "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-2] }} {{ [1,2,3,4][:-1] }} {{ [1,2,3][5:] }} {{ 'abcdef'[4:1:-2] }} {{ [3,4].0 }}",
    "{% for x in [3, 1, 2] %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ loop.revindex0 }}{% if not loop.last %}, {% endif %}{{ loop.previtem }}{% else %}none{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}empty{% endfor %}{% for x in [1,2,3,4] if x is even %}{{ loop.index }}{{ x }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': [2]}.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in {'z': 1}|items %}{{ k }}{{ v }}{% endfor %}",
    "{% for x in [1,2,3,4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% set x = 1 %}{% for i in range(3) %}{{ x }}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(a=1, b='x') %}{% for i in range(2, 8, 3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}",
    "{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set block %}in {{ a }}{% endset %}[{{ block }}]{% set up | upper %}loud{% endset %}{{ up }}",
    "{% macro greet(name, mark='!') %}hi {{ name }}{{ mark }}{% endmacro %}{{ greet('a') }}{{ greet('b', mark='?') }}{{ greet(name='c') | upper }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %},{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(4) }}",
    "{{ undefined_thing }}|{{ undefined_thing is defined }}|{{ undefined_thing | default('d') }}|{{ '' | default('e', true) }}|{{ '' | default('f') }}",
    "{{ '  x '.strip() }}|{{ '--x-'.strip('-') }}|{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a.b.c'.rsplit('.', 1) }}|{{ 'a b c'.split(' ', 1) }}",
    "{{ 'hello world'.title() }} {{ \"it's aB\"|title }} {{ 'ABC'.lower() }} {{ 'straße'.upper() }} {{ 'hELLO'.capitalize() }} {{ 'xyx'.replace('x', 'zz', 1) }} {{ 'ab'.replace('', '-') }}",
    "{{ 'prefix-x'.removeprefix('prefix-') }} {{ 'abc'.find('c') }} {{ 'abcabc'.count('bc') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'a\\nb\\n'.splitlines() }} {{ '-'.join(['a', 'b']) }} {{ '12'.isdigit() }}",
    "{{ {'a': 1, 'é': [1.0, none, true, \"q\\\"\\n\"], 'e': {}, 'l': []} | tojson }} {{ [1, {'b': 2, 'a': [3]}] | tojson(indent=2) }} {{ '</x>&\\u2028' | tojson }}",
    "{{ [3,1,2] | sort | join('-') }} {{ ['b','A','c'] | sort }} {{ [3,1,2] | sort(reverse=true) }} {{ [1,1,2] | unique | list }} {{ [1,2] | sum }} {{ [1,5,2] | max }} {{ [4,2] | min }}",
    "{{ 'abc' | first }}{{ [1,2] | last }}{{ 'abc' | length }}{{ {'a':1} | count }}{{ [1,2] | reverse | list }}{{ 'abc' | reverse }}{{ '42' | int + 1 }}{{ 'x' | int(7) }}{{ '1.5' | float }}{{ 3.7 | int }}",
    "{{ [{'n': {'m': 1}}, {'n': {'m': 2}}] | map(attribute='n.m') | list }} {{ ['a', 'b'] | map('upper') | join }} {{ [1,2,3] | select('odd') | list }} {{ [0,1] | reject | list }} {{ [{'a': 1}, {}] | selectattr('a') | list }} {{ [{'a': 1}, {}] | rejectattr('a', 'defined') | list }}",
    "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent('>', blank=true) }}|{{ ' x ' | trim }}|{{ 'xax' | trim('x') }}|{{ 'a' | safe }}",
    "{{ 1 is number }}{{ 'a' is string }}{{ {} is mapping }}{{ [] is iterable }}{{ 1 is iterable }}{{ true is boolean }}{{ none is none }}{{ 1 is integer }}{{ 1.0 is float }}{{ 4 is divisibleby 2 }}{{ 'a' is in ['a'] }}{{ 3 is gt 2 }}{{ 'ab' is lower }}{{ x is undefined }}{{ 1 is not none }}{{ [] is sequence }}{{ true is sameas true }}",
    "{{ 'yes' if 1 > 2 else 'no' }}{{ 'only' if false }}{{ ('a' if true else 'b') ~ 'c' if true }}",
    "{{ {'items': 5}['items'] }}{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b', 'z') }}{{ {'a': 1}.get('b') }}{{ {'a': 1, 'b': 2}.keys() | list }}{{ {'a': 1}.values() | list }}{{ dict(a=1).a }}",
    "{% for i in range(3) %}{{ loop.cycle('a', 'b') }}{% if loop.changed(i // 2) %}!{% endif %}{% for j in range(2) %}{{ loop.depth }}{% endfor %}{% endfor %}",
    "{% generation %}said{% endgeneration %}{{ '%' }}{{ '{{' }}{% if 'a' in 'cat' and not 'b' in 'cat' %}ok{% endif %}",
    "{{ 1.0 }} {{ 0.1 + 0.2 }} {{ 1e20 }} {{ 1e-7 }} {{ 100000.0 * 10 }} {{ 3 | round }} {{ 2.5 | round }} {{ 2.567 | round(2) }} {{ -3 | abs }}",
    "{% if messages %}{{ messages | length }}{% endif %}{{ messages[0]['content'][:3] }}{{ messages | map(attribute='role') | unique | join(',') }}{{ tools is none }}{{ documents is defined }}",
    "{{ messages[0] | tojson }}\n{{ messages[-1]['role'] | upper | replace('A', 'é') }}\n\n",
]

CONVERSATIONS = [
    {"messages": [{"role": "user", "content": "Hello <|im_end|>"}]},
    {"messages": [{"role": "system", "content": "Be brief.  "}, {"role": "user", "content": "  Grüße, 你好 \"x\" & <y>\n"},
                  {"role": "assistant", "content": "<think>\nwell\n</think>\n\nFine."}, {"role": "user", "content": "Why?"}],
     "add_generation_prompt": True},
    {"messages": [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": "What is said?"}, {"type": "audio"}]}],
     "add_generation_prompt": True, "enable_thinking": False},
    {"messages": [{"role": "user", "content": "Weather?"},
                  {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "w", "arguments": {"city": "Köln", "n": 2}}}]}],
     "tools": [{"type": "function", "function": {"name": "w", "description": "it's \"w\"", "parameters": {"type": "object", "properties": {}}}}]},
]
CONSTANTS = {"bos_token": "<s>", "eos_token": "</s>"}
