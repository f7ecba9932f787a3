"""Writes odd texts, hypotheses corrupted from them, and what rouge-score and NLTK say of them, as one JSON document.

    python rouge_score_reference.py TEXTS WORDS SEED    scores of texts and stems of words, both made up
    python rouge_score_reference.py characters          the words that rouge-score sees in "aXb", for every character X

Ends with status 77 where rouge-score is missing.
"""
import json
import random
import sys

try:
    from nltk.stem.porter import PorterStemmer
    from rouge_score import rouge_scorer, tokenize
except ImportError:
    sys.exit(77)

WORDS = """
the The a of and to in we show that method results models training neural networks propose new state-of-the-art can't dog's dogs'
rock-'n'-roll don't l'homme 's e.g. U.S.A. 1 2 42 1,000.50 3.14 2001 90s 4th 12:30 10% $5 x^2 foo_bar {0} %s <tag> &amp; http://a.b/c?d=1
conditionally possibly fully hopefulness agreed flies dies died spied using useful uses enjoy enjoyed happy happily sky skies dying
news trekking succeeding proceedings wobbliness generalization generalizing geology apology rationally theories theory argued argument
Straße naïve café für Ωραίος ΟΔΥΣΣΕΥΣ İstanbul KİTAP ıslak \u212aelvin 3\u212a ﬁn 你好 世界 日本語 한국어 🎉 ½ ² ٣ １２３ ＡＢＣ é e\u0301 İ \u212a . , ; ! ? - — …
""".split()
SPACES = [" "] * 30 + ["  ", "\t", "\u00a0", "\u3000", "\r", "\u2028", "", "'", "-", "_", "."]
SENTENCE_ENDS = ["\n"] * 6 + [" \n", "\n\n", "\n \n", ".\n"]
SUFFIXES = """s es ies ied ieds ing ings ed eed ingly edly y ly ys ying yed ational tional enci anci izer bli bly alli ally entli eli ely
ousli ization ation ator alism iveness fulness ousness aliti iviti biliti bility fulli fully logi logy icate ative alize iciti ical ful
ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll ss at bl iz yy 0 19""".split()
TYPES = ["rouge1", "rouge2", "rouge3", "rouge9", "rougeL", "rougeLsum"]


def text(rng):
    kind = rng.random()
    if kind < 0.04:
        return rng.choice(["", " ", "\n", "\n\n", "?", "你好 世界", "é", "a", "\n a", "a \n"])
    length = rng.randint(70, 300) if kind < 0.12 else rng.randint(1, 25)
    # A small own vocabulary for each text, so that words repeat and subsequences have ties.
    vocabulary = rng.choices(WORDS, k=rng.choice([2, 4, 10, 40]))
    ends = rng.choice([0.0, 0.1, 0.3])
    words = []
    for _ in range(length):
        words.append(rng.choice(vocabulary))
        words.append(rng.choice(SENTENCE_ENDS if rng.random() < ends else SPACES))
    return "".join(words)


def corrupt(original, rng):
    words = original.split(" ")
    for _ in range(rng.randint(0, 2 + len(words) // 3)):
        position = rng.randrange(len(words))
        action = rng.randrange(5)
        if action == 0:
            del words[position]
        elif action == 1:
            words.insert(position, rng.choice(WORDS))
        elif action == 2:
            words[position] += rng.choice(SUFFIXES)
        elif action == 3:
            words[position] = words[position].swapcase()
        else:
            other = rng.randrange(len(words))
            words[position], words[other] = words[other], words[position]
        words = words or [""]
    return " ".join(words)


def score_cases(hypotheses, references):
    for stemmer in [False, True]:
        scorer = rouge_scorer.RougeScorer(TYPES, use_stemmer=stemmer)
        for count in [1, 2]:
            rows = [scorer.score_multi([texts[i] for texts in references[:count]], hypothesis)
                    for i, hypothesis in enumerate(hypotheses)]
            for kind in TYPES:
                yield dict(type=kind, stemmer=stemmer, references=count, rows=[list(row[kind]) for row in rows],
                           mean=sum(row[kind].fmeasure for row in rows) / len(rows))


def made_up_words(count, rng):
    bases = [word.lower() for word in WORDS if word.isascii() and word.isalnum()]
    for _ in range(count):
        kind = rng.random()
        if kind < 0.4:
            word = "".join(rng.choice("aeiouyyybcdlstwxz019") for _ in range(rng.randint(0, 5)))
        elif kind < 0.6:
            word = rng.choice(bases)[:rng.randint(1, 9)]
        else:
            word = "".join(rng.choice("aeiouy" if rng.random() < 0.5 else "bcdfghjklmnpqrstvwxz")
                           for _ in range(rng.randint(1, 6)))
        word += "".join(rng.choices(SUFFIXES, k=rng.randint(1, 4)))
        yield word


def characters():
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        words = tokenize.tokenize("a" + chr(point) + "b", None)
        if words != ["a", "b"]:
            yield [point, words]


def main():
    if sys.argv[1] == "characters":
        document = dict(characters=list(characters()))
    else:
        rng = random.Random(int(sys.argv[3]))
        first = [text(rng) for _ in range(int(sys.argv[1]))]
        references = [first, [corrupt(original, rng) for original in first]]
        hypotheses = ["" if rng.random() < 0.03 else corrupt(original, rng) for original in first]
        stemmer = PorterStemmer()
        document = dict(hypotheses=hypotheses, references=references, cases=list(score_cases(hypotheses, references)),
                        stems=[[word, stemmer.stem(word)] for word in made_up_words(int(sys.argv[2]), rng)])
    json.dump(document, sys.stdout)


main()
