"""Writes odd text, hypotheses corrupted from it, and what sacreBLEU says of them, as one JSON document.

    python sacrebleu_reference.py scores SENTENCES SEED     every metric with every option
    python sacrebleu_reference.py sampling SENTENCES SEED   confidence intervals and p-values
    python sacrebleu_reference.py characters                lower case, white space and classes of all code points
"""
import itertools
import json
import random
import sys

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER

WORDS = """
The the a of und der die ein nicht großer STRASSE Straße Ωραίος ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ὈΔΥΣΣΕΎΣ İstanbul IĞDIR ıslak ǅungla ŉ ẞ ﬁn ﬀ
can't John's dog's 'tis 's l'homme rock-'n'-roll state-of-the-art e.g. U.S.A. ... .. . , ; : ! ? !? - -- – — … · • / \\ | _ ~ ^
1 2 42 1,000.50 3.14 1.000,5 -7 5- 3-4 1990. 2001, .5 ,5 12:30 10% $5 €20 £3 #1 @home C++ a+b=c x^2 <b> </b> <skipped> <unk>
( (hi) [x] {y} "quoted" „Anführung“ “double” ‘single’ «guillemets» &quot; &amp; &lt; &gt; &amp;lt; &amp;quot;x&quot; &apos; &;
http://example.com/a?b=1&c=2 me@example.org __init__ foo(bar,baz) s[1:2] %d %s
Ⅻ ² ½ ① ٣ ४ ௧ 〇 五 十二 你好 世界 。 ， 、 「引用」 （括号） ！ ？ ： 中文abc混合 東京 とうきょう トーキョー ｶﾀｶﾅ ＡＢＣ １２３ ． 𠀀 丽 ㊀ ㌀ ⺀ ㇀ ⿰ ︰
한국어 서울 العربية ، ؟ עברית हिन्दी नमस्ते ไทย é é ñ ǻ Z͑ͫ̓ͪ̂ͫ🎉 😀 👨‍👩‍👧 🇩🇪 ☃ ★ ✓ → ∑ ± × ÷ ∞ ℃ © ® ™ § ¶ † ‰ ‱ ¿que? ¡si! 𝔘𝔫𝔦 𝟙𝟚 ﷺ
""".split()
WORDS += ["\u200b", "\ufeff", "a\u00adb", "\u0301", "x\u0000y", "\u2070", "\u2a00", "\u2fa0", "\u2fa2", "\u2000x", "\u2001y"]
SPACES = [" "] * 40 + ["  ", "\t", "\u00a0", "\u3000", "\u2009", "\u2028", "\u0085", "\x1c", "\x1f", "\r", "\n", "-\n", "\n-", ""]


def sentence(rng):
    kind = rng.random()
    if kind < 0.03:
        return ""
    if kind < 0.05:
        return rng.choice([" ", "\t \u3000", ".", "?", "&", "Σ", "5", "-", "'s", "a", "\u0301"])
    length = rng.randint(60, 150) if kind < 0.08 else rng.randint(1, 25)
    # A small own vocabulary per sentence, so that words repeat and blocks can be shifted.
    vocabulary = rng.choices(WORDS, k=rng.choice([3, 10, 40]))
    text = rng.choice(["", "", "", " ", "\u00a0"])
    for _ in range(length):
        text += rng.choice(vocabulary) + rng.choice(SPACES)
    return text


def corrupt(text, rng):
    words = text.split(" ")
    for _ in range(rng.randint(0, 2 + len(words) // 4)):
        position = rng.randrange(len(words))
        action = rng.randrange(8)
        if action == 0:
            del words[position]
        elif action == 1:
            words.insert(position, rng.choice(WORDS))
        elif action == 2:
            words[position] = rng.choice(WORDS)
        elif action == 3:
            words[position] = words[position].swapcase()
        elif action == 4 and words[position]:
            cut = rng.randrange(len(words[position]))
            words[position] = words[position][:cut] + words[position][cut + 1:]
        elif action == 5:
            other = rng.randrange(len(words))
            words[position], words[other] = words[other], words[position]
        else:
            block = words[position:position + rng.randint(1, 6)]
            del words[position:position + len(block)]
            target = rng.randint(0, len(words))
            words[target:target] = block
        words = words or [""]
    return " ".join(words)


def corpus(sentences, seed):
    rng = random.Random(seed)
    references = [sentence(rng) for _ in range(sentences)]
    others = [corrupt(corrupt(text, rng), rng) for text in references]
    hypotheses = []
    for text in references:
        chance = rng.random()
        hypotheses.append("" if chance < 0.02 else sentence(rng) if chance < 0.06 else corrupt(text, rng))
    return hypotheses, [references, others]


def bleu_options():
    for tokenizer, lowercase in itertools.product(["13a", "intl", "char", "zh", "none"], [False, True]):
        yield dict(tokenize=tokenizer, lowercase=lowercase)
    for method, value, effective in [("exp", None, True), ("floor", None, False), ("floor", 0.25, True),
                                     ("add-k", None, False), ("add-k", 0.5, True), ("none", None, False),
                                     ("none", None, True)]:
        yield dict(smooth_method=method, smooth_value=value, effective_order=effective)
    for order in [1, 2, 6]:
        yield dict(max_ngram_order=order)


def chrf_options():
    for char_order, word_order, beta in [(6, 0, 2), (6, 2, 2), (4, 1, 3), (6, 0, 1), (0, 2, 2)]:
        for lowercase, whitespace, eps in itertools.product([False, True], repeat=3):
            yield dict(char_order=char_order, word_order=word_order, beta=beta, lowercase=lowercase,
                       whitespace=whitespace, eps_smoothing=eps)


def ter_options():
    for values in itertools.product([False, True], repeat=4):
        yield dict(zip(["normalized", "no_punct", "asian_support", "case_sensitive"], values))


def metrics(hypotheses, references):
    """Metric, options and the sentences to score; TER in Python needs seconds for a long sentence."""
    everything = range(len(hypotheses))
    for metric, options in [(BLEU, bleu_options), (CHRF, chrf_options)]:
        for keywords in options():
            yield metric, keywords, everything
    length = [max(len(text.split()) for text in [hypotheses[i]] + [r[i] for r in references]) for i in everything]
    for number, keywords in enumerate(ter_options()):
        yield TER, keywords, [i for i in everything if length[i] < 20][:300]
        if number in (0, 5):
            yield TER, keywords, [i for i in everything if 20 <= length[i] < 80][:1 + len(hypotheses) // 50]


def score_cases(hypotheses, references):
    for kind, options, chosen in metrics(hypotheses, references):
        for count in [1, 2]:
            metric = kind(**options)
            sets = [[texts[i] for i in chosen] for texts in references[:count]]
            statistics = metric._extract_corpus_statistics([hypotheses[i] for i in chosen], sets)
            score = metric._aggregate_and_compute([list(row) for row in statistics])
            sentences = [metric._aggregate_and_compute([list(row)]).score for row in statistics]
            yield dict(metric=kind.__name__, options=options, references=count, chosen=list(chosen),
                       score=score.score, name=score.name, details=score._verbose,
                       signature=str(metric.get_signature()), sentences=sentences)


def sampling_cases(hypotheses, references, others):
    import numpy
    from sacrebleu.significance import PairedTest, _bootstrap_resample, estimate_ci
    for metric in [BLEU(), CHRF(word_order=2), TER()]:
        statistics = metric._extract_corpus_statistics(hypotheses, references)
        _, scores = _bootstrap_resample(statistics, metric, 1000)
        mean, half_width = estimate_ci(numpy.array([score.score for score in scores]))
        case = dict(metric=type(metric).__name__, mean=float(mean), half_width=float(half_width), pairs=[])
        for system in others:
            pair = {}
            for test, samples in [("bs", 1000), ("ar", 2000)]:
                _, results = PairedTest([("a", hypotheses), ("b", system)], {"m": metric}, references, test,
                                        n_samples=samples)()
                pair[test] = [values for key, values in results.items() if key != "System"][0][1].p_value
            case["pairs"].append(pair)
        yield case


def characters():
    import regex
    classes = {name: regex.compile(rf"\p{{{name}}}") for name in "NPS"}
    for point in itertools.chain(range(0xD800), range(0xE000, 0x110000)):
        text = chr(point)
        lower = text.lower()
        kinds = "".join(name for name, pattern in classes.items() if pattern.match(text))
        kinds += "w" if text.isspace() else ""
        if kinds or lower != text:
            yield [point, lower, kinds]


def main():
    import unicodedata
    document = dict(sacrebleu=sacrebleu.__version__, unicode=unicodedata.unidata_version)
    if sys.argv[1] == "characters":
        document["characters"] = list(characters())
        document["assigned"] = [point for point in range(0x110000) if unicodedata.category(chr(point)) != "Cn"]
    else:
        hypotheses, references = corpus(int(sys.argv[2]), int(sys.argv[3]))
        document |= dict(hypotheses=hypotheses, references=references)
        if sys.argv[1] == "scores":
            document["cases"] = list(score_cases(hypotheses, references))
        else:
            short = [i for i in range(len(hypotheses)) if len(references[0][i].split()) < 20]
            hypotheses = [hypotheses[i] for i in short]
            references = [[lines[i] for i in short] for lines in references]
            document |= dict(hypotheses=hypotheses, references=references)
            rng = random.Random(int(sys.argv[3]) + 1)
            # Two systems as good as the first, two that differ from it in some sentences.
            others = [[corrupt(text, rng) for text in references[0]] for _ in range(2)]
            for changed in [0.1, 0.5]:
                others.append([corrupt(h, rng) if rng.random() < changed else h for h in hypotheses])
            document["others"] = others
            document["cases"] = list(sampling_cases(hypotheses, references, others))
    json.dump(document, sys.stdout)


main()
