#!/usr/bin/env python3
"""How many of the references' words that no training target holds does an output contain?

  examples/copying/unseen_words.py TRAIN_TARGETS REFERENCES OUTPUT...

Words are what stands between spaces. A word that a reference holds twice has to be said twice. Files may be gzip-compressed.
"""

import collections
import gzip
import sys


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as file:
        return file.read().split("\n")[:-1]


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    seen = {word for line in lines(sys.argv[1]) for word in line.split()}
    references = [collections.Counter(word for word in line.split() if word not in seen) for line in lines(sys.argv[2])]
    wanted = sum(sum(words.values()) for words in references)
    for path in sys.argv[3:]:
        outputs = lines(path)
        if len(outputs) != len(references):
            sys.exit(f"{path} has {len(outputs)} lines, {sys.argv[2]} has {len(references)}")
        said = 0
        for output, words in zip(outputs, references):
            said += sum((collections.Counter(output.split()) & words).values())
        print(f"{path}: {said} of {wanted} unseen words, {100 * said / wanted:.2f} %")


if __name__ == "__main__":
    main()
