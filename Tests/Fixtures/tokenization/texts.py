"""Seeded texts that try a tokenizer: many scripts, emoji, white space, combining marks, code, broken UTF-8, special tokens."""

import random
import unicodedata

SAMPLES = [
    "The quick brown fox jumps over the lazy dog. It's 3:45 pm, and we've paid $1,234.56 — haven't we?",
    "I'LL SAY WE'RE DONE; THEY'D KNOW. don't can't I'm you've ſ'S 'ſ 'K",
    "Größe, naïve façade, œuvre, Łódź, Şişli, ŉandjes, Ŀl, ĳ, ǆ",
    "Cafe\u0301 cafe\u0301s A\u030a n\u0303 o\u0308\u0301 q\u0307\u0323 \u0344 \u212b \u2126 \u037e \u1fef",
    "Привет, как дела? Ёлка и ёж: й — и\u0306.",
    "Το γρήγορο καφέ ΣΊΣΥΦΟΣ, ά ΐ ᾳ ῥ",
    "日本語のテキストです。ガギグ か\u3099 ﾊﾟ ５６７ 東京タワー",
    "中文分詞測試,包括標點符號。你好世界!一二三四五六七八九十",
    "한국어 텍스트 \u1112\u1161\u11ab \uac00\u11a8 각 반갑습니다",
    "العربية نصٌّ مُشَكَّل ١٢٣ ﷺ لا\u200c",
    "עִבְרִית שלום \ufb2a \u05e9\u05c1",
    "हिन्दी में क्षत्रिय ज़ क\u093c ड़ १२३",
    "ไทยภาษาไม่มีเว้นวรรค ำ ๑๒๓",
    "বাংলা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල ပြည် ខ្មែរ ລາວ ქართული հայերեն አማርኛ",
    "tiếng Việt: nước non, đường phố, ở ậ ệ",
    "👍🏽 👨‍👩‍👧‍👦 🇩🇪🇫🇷 🏳️‍🌈 ☎️ 1️⃣ 😀😃😄 🫠🫡 🪿",
    "def f(x):\n    return [i**2 for i in range(x) if i % 2 == 0]  # squares\n\n\tif (a && b) { x->y = 0xFF; }\r\n",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|><|AUDIO|><|audio_bos|> <|im_ end|> <|im_end<|im_end|>|>",
    "<think>\n\nhm</think> <tool_call>{}</tool_call> <b> <mark>  <mark> x<word>y <word> <word>, _<word>",
    "ｆｕｌｌｗｉｄｔｈ ﬁ ﬂ ﬃ ① Ⅳ ½ ² ㎏ ㈱ ª º",
    "𝒽𝓮𝕝𝗅𝚘 𐍈𐌰 𒀀 𓀀 𝟙𝟚𝟛 🀄 𠮷𠀀",
    "\ufeffBOM \u200b\u200d\u2060 \u00ad \u180e\u0085\u00a0\u3000\u2028\u2029\x1c\x1f\x7f\x00",
    "1234567890 12 345 6789 ٣٤٥ ⅷ ३ ²³ ๙ 1.5e-10 0x7f 1_000",
    "http://example.org/path?q=a%20b&c=d#e me@example.org C:\\dir\\file.txt",
    "!!!???...---___***///\\\\\\ ((())) [[]] {{}} ''' \"\"\" `` ~~ ^^ $$ ## @@",
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", " \n", "\r\n", "\t", "\t\t", "\u00a0", "\u3000", "\u2003", "\u0085", "\u1680", "\x0b",
          "\x0c", "\u2028", "\u202f", "\u205f", " \n \n ", "\u180e", "\u200b", "    \n\t"]
SPECIALS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<think>", "</think>",
            "<mark>", "<word>", "<strip>", "<|", "|>", "<|im_", "<upper>", "caf\u00e9token", "cafe\u0301token"]
WORDS = ("the of and to in is that it was for on are as with his they at be this from have or one had by word but not what all were "
         "when we there can an your which their said if do will each about how up out them then she many some so these would other "
         "into has more her two like him see time could no make than first been its who now people my made over did down only way "
         "find use may water long little very after words called just where most know").split()


def assigned(rng):
    """A random assigned character that UTF-8 can carry; half of the time from the first plane's scripts."""
    while True:
        value = rng.choice([rng.randrange(0x20, 0x3000), rng.randrange(0x3000, 0x10000), rng.randrange(0x10000, 0x20000),
                            rng.randrange(0x20, 0x250), rng.randrange(0x300, 0x370), rng.randrange(0x1F300, 0x1FB00)])
        if 0xD800 <= value < 0xE000:
            continue
        if unicodedata.category(chr(value)) != "Cn":
            return chr(value)


def text(rng):
    """One text."""
    kind = rng.randrange(10)
    if kind == 0:
        sample = rng.choice(SAMPLES)
        start = rng.randrange(len(sample))
        return sample[start:start + rng.randrange(1, 60)]
    if kind == 1:
        return "".join(assigned(rng) for _ in range(rng.randrange(1, 20)))
    if kind == 2:
        return "".join(rng.choice(SPACES + WORDS[:12]) for _ in range(rng.randrange(1, 16)))
    if kind == 3:
        return "".join(rng.choice(SPECIALS + SPACES[:6] + WORDS[:9] + ["é", "_", "1", "。"]) for _ in range(rng.randrange(1, 10)))
    if kind == 4:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 30))).decode("utf-8", errors="replace")
    if kind == 5:
        raw = bytearray(rng.choice(SAMPLES).encode()[: rng.randrange(4, 80)])
        for _ in range(rng.randrange(1, 4)):
            position = rng.randrange(len(raw))
            if rng.random() < 0.5:
                del raw[position]
                raw = raw or bytearray(b"x")
            else:
                raw[position] = rng.randrange(256)
        return raw.decode("utf-8", errors="replace")
    if kind == 6:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 20)))
    if kind == 7:
        return rng.choice(["a", " ", "ab", "\n", "é", "字", "🙂", "0", "aA", "!", " a", "\u0301", "="]) * rng.randrange(1, 90)
    if kind == 8:
        base = "".join(rng.choice("aeiounAOcsqdkいか가ά") + "".join(chr(rng.randrange(0x300, 0x345)) for _ in range(rng.randrange(3)))
                       for _ in range(rng.randrange(1, 12)))
        return base
    pieces = []
    for _ in range(rng.randrange(1, 8)):
        pieces.append(rng.choice([rng.choice(WORDS), rng.choice(SPACES), assigned(rng), str(rng.randrange(10 ** rng.randrange(1, 9))),
                                  rng.choice("'’.,;:!?()[]{}<>|/\\@#$%^&*-_=+~`\""), rng.choice(["'s", "'LL", "'ve", "'D", "n't"]),
                                  rng.choice(SAMPLES)[: rng.randrange(1, 12)]]))
    return "".join(pieces)


def texts(seed, count):
    """All samples whole, then random texts."""
    rng = random.Random(seed)
    return (SAMPLES + [text(rng) for _ in range(count)])[:count]
