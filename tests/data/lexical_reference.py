#!/usr/bin/env python3
"""IBM model 1 (Brown et al. 1993) with dictionaries, for comparison.

    lexical_reference.py PAIRS ITERATIONS OUT

PAIRS: lines "source ids | target ids". OUT: lines "source target probability"; the empty word is -1.
"""
import sys
from collections import defaultdict


def main():
    pairs = []
    for line in open(sys.argv[1], encoding="utf-8"):
        source, target = line.split("|")
        pairs.append(([-1] + [int(word) for word in source.split()], [int(word) for word in target.split()]))
    table = defaultdict(lambda: 1.0)
    for _ in range(int(sys.argv[2])):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target in pairs:
            for word in target:
                whole = sum(table[other, word] for other in source)
                for other in source:
                    counts[other, word] += table[other, word] / whole
                    totals[other] += table[other, word] / whole
        table = {pair: count / totals[pair[0]] for pair, count in counts.items()}
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        for (source, target), probability in sorted(table.items()):
            out.write(f"{source} {target} {probability:.12g}\n")


main()
