#!/usr/bin/env python3
"""Grammars with texts, judged by xgrammar and llguidance: writes grammars.json beside it.

    python make_grammars.py        needs xgrammar, llguidance

Texts are derived from the grammar by hand-written examples and changed at random places, by a seed. A text on which the two disagree is printed and left out.
"""
import json
import random
from importlib.metadata import version
from pathlib import Path

import llguidance
import xgrammar
from llguidance.gbnf_to_lark import any_to_lark

GRAMMARS = [
    ('root ::= "yes" | "no"', ["yes", "no"]),
    ('root ::= greeting ", " name "!"  # a comment\n# another\ngreeting ::= "Hello" | "Good " ("morning" | "evening")\nname ::= [A-Z] [a-z]{1,5}',
     ["Hello, Ada!", "Good evening, Bob!", "Good morning, Carlos!"]),
    ('root ::= item ("," item)*\nitem ::= [0-9]+ | "(" root ")"', ["1", "12,3", "(1,(2,3)),4", "((((1))))"]),
    ('root ::= expr\nexpr ::= term (("+" | "-") term)*\nterm ::= factor (("*" | "/") factor)*\nfactor ::= [a-z] | [0-9]+ | "(" expr ")"',
     ["a+b", "1*(2+c)/3", "((a))-b*(c+1)"]),
    ('root ::= root "+" term | term\nterm ::= term "*" atom | atom\natom ::= [0-9] | "(" root ")"', ["1+2*3", "(1+2)*3+4", "1"]),
    ('root ::= term "+" root | term "-" root | term\nterm ::= atom "*" term | atom "/" term | atom\natom ::= [0-9] | "(" root ")"',
     ["1+2-3", "((1+2)*(3-4))/5", "(((((((1)))))))"]),
    ('root ::= "a" root "b" | ""', ["", "ab", "aaabbb"]),
    ('root ::= "a" root "a" | "b" root "b" | [ab]?', ["", "a", "abba", "babab"]),
    ('root ::= ("ab" | "a" | "b")* "c"', ["c", "abc", "aabbabc"]),
    ('root ::= [^"\\\\\\n]+ "\\"" [é中] "\\x41" "\\t"', ["abc\"éA\t", "中\"中A\t"]),
    ('root ::= "x"{3} "y"{2,} "z"{1,3}', ["xxxyyz", "xxxyyyyzzz"]),
    ('root ::= statement+\nstatement ::= "if " name " " block ("else " block)? | name "=" value ";"\nblock ::= "{" statement* "}"\n'
     'name ::= [a-z_]+\nvalue ::= "-"? [0-9]+ | "\\"" [a-z ]* "\\""',
     ["a=1;", "if a {b=-2;}", "if a {}else {c=\"x y\";if d {}}"]),
    ('root ::= object\nobject ::= "{" ws (pair ("," ws pair)*)? "}" ws\npair ::= string ":" ws value\nvalue ::= object | array | string | "true" ws | number\n'
     'array ::= "[" ws (value ("," ws value)*)? "]" ws\nstring ::= "\\"" [a-z]* "\\"" ws\nnumber ::= "-"? ("0" | [1-9] [0-9]*) ws\nws ::= [ \\n]*',
     ['{}', '{"a":1}', '{"a": [true, {"b": -10}], "c": "d"} ']),
    ('root ::= "select " columns " from " table (" where " condition)?\ncolumns ::= "*" | column (", " column)*\ncolumn ::= [a-z]+\ntable ::= [a-z]+\n'
     'condition ::= column (" = " | " < ") [0-9]+ (" and " condition)?', ["select * from t", "select a, b from t where a = 1 and b < 22"]),
    ('root ::= pair*\npair ::= (key\n  "="\n  val ";")\nkey ::= [a-z-]+\nval ::= [^;=]*', ["", "a=b;", "a-b=x y;c=;"]),
]


def judges(grammar):
    tokens = [bytes([byte]) for byte in range(256)] + [b"<end>"]
    compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo(tokens, xgrammar.VocabType.RAW, stop_token_ids=[256]), cache_enabled=False)
    compiled = compiler.compile_grammar(grammar)

    def by_xgrammar(text):
        matcher = xgrammar.GrammarMatcher(compiled)
        return matcher.accept_string(text) and matcher.accept_token(256)

    class Tokens:
        eos_token_id, bos_token_id, special_token_ids = 256, None, [256]

        def __init__(self):
            self.tokens = tokens

        def __call__(self, text):
            return list(text)

    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Tokens()), n_vocab=257)
    lark = llguidance.LLMatcher.grammar_from_lark(any_to_lark(grammar))

    def by_llguidance(text):
        matcher = llguidance.LLMatcher(tokenizer, lark)
        if matcher.get_error():
            raise ValueError(matcher.get_error())
        data = text.encode()
        return matcher.try_consume_tokens(list(data)) == len(data) and matcher.is_accepting()

    return by_xgrammar, by_llguidance


def changed(text, dice):
    """The text with a character less, another, or one more."""
    place = dice.randrange(len(text) + 1)
    other = dice.choice(text + "ab1(){},é \"") if text else "a"
    return dice.choice([text[:place] + text[place + 1:], text[:place] + other + text[place + 1:], text[:place] + other + text[place:]])


def main():
    dice, rows, apart = random.Random(17), [], 0
    for grammar, texts in GRAMMARS:
        by_xgrammar, by_llguidance = judges(grammar)
        all_texts = set(texts)
        for text in texts:
            for _ in range(12):
                once = changed(text, dice)
                all_texts |= {once, changed(once, dice)}
        row = {"grammar": grammar, "texts": []}
        for text in sorted(all_texts):
            first, second = by_xgrammar(text), by_llguidance(text)
            if first != second:
                apart += 1
                print(f"apart: {grammar!r}: {text!r}: xgrammar {first}, llguidance {second}")
            else:
                row["texts"].append({"text": text, "valid": first})
        assert {row["text"] for row in row["texts"] if row["valid"]} >= set(texts), (grammar, row)
        rows.append(row)
    versions = {name: version(name) for name in ("xgrammar", "llguidance")}
    Path(__file__).with_name("grammars.json").write_text(json.dumps({**versions, "grammars": rows}, ensure_ascii=False, indent=1) + "\n")
    print(sum(len(row["texts"]) for row in rows), "texts,", sum(text["valid"] for row in rows for text in row["texts"]), "valid,", apart, "apart")


if __name__ == "__main__":
    main()
