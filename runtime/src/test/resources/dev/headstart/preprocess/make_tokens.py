"""Makes tokens.json: python make_tokens.py all-minilm-l6-v2-q-tokenizer.json (package tokenizers)."""
import json
import sys

import tokenizers

t = tokenizers.Tokenizer.from_file(sys.argv[1])
t.enable_truncation(256)
t.no_padding()
TEXTS = [
    "", " ", "a", "The pump on line 3 is leaking oil again.", "HELLO hello HeLLo", "Où est la gare ?",
    "a\u0301\u0327 n\u0303", "😀 👨‍👩‍👧 emoji", "مرحبا بالعالم", "שלום", "测试一下", "こんにちは", "안녕", "Straße İstanbul",
    "nul\0inside", "tab\tnew\nline\r\nend", "\u202eabc\u202c", "\ufeffbom", "\ufffd", "[CLS] [SEP] [MASK] [PAD]",
    "x" * 99, "x" * 101, "don't-stop... (really?) £5 €6 50%", "unaffable antidisestablishmentarianism",
    "http://example.org/a?b=c&d=e#f", "\u200bzero\u200dwidth", "١٢٣ ⅷ ½", "pump " * 300, "\U00020000 \U0001f1eb\U0001f1f7",
]
with open("tokens.json", "w") as f:
    json.dump({"tokenizers": tokenizers.__version__,
               "texts": [{"text": x, "ids": t.encode(x).ids} for x in TEXTS]}, f, indent=0)
