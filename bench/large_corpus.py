#!/usr/bin/env python3
"""A corpus of any size on standard output, as TSV, from made-up words whose frequencies fall as
those of a language do:

    bench/large_corpus.py 10000000 > large.tsv
"""
import sys

import numpy

WORDS = 30000
LETTERS = numpy.array(list("eeeettaaooiinnsshhrrddlluucmfwygpbvkxqjz"))
BLOCK = 20000


def words(random, suffix):
    lengths = random.integers(2, 9, WORDS)
    return ["".join(random.choice(LETTERS, length)) + suffix for length in lengths]


def main():
    pairs = int(sys.argv[1])
    random = numpy.random.default_rng(1)
    source, target = words(random, ""), words(random, "en")
    frequencies = 1.0 / numpy.arange(10, WORDS + 10)
    sums = numpy.cumsum(frequencies / frequencies.sum())
    while pairs > 0:
        lengths = random.integers(4, 24, min(pairs, BLOCK))
        ids = numpy.searchsorted(sums, random.random(int(lengths.sum())))
        ids = numpy.minimum(ids, WORDS - 1).tolist()
        lines, begin = [], 0
        for length in lengths.tolist():
            sentence = ids[begin : begin + length]
            begin += length
            # The same words, the last first: something to learn.
            lines.append(" ".join([source[word] for word in sentence]) + "\t"
                         + " ".join([target[word] for word in reversed(sentence)]))
        sys.stdout.write("\n".join(lines) + "\n")
        pairs -= len(lengths)


if __name__ == "__main__":
    main()
