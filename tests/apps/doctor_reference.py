"""What dragoman doctor has to find in a folder of train and test files, computed apart from it.

  doctor_reference.py FOLDER

Prints: test pairs, test pairs that are in train, test sources that are in train; then for words between spaces, and for runs of letters and
digits in lower case: words of the test targets, rare ones (fewer than 5 times in the training targets), rare ones that the source holds.
"""

import collections
import gzip
import re
import sys


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return file.read().split("\n")[:-1]


def runs(line):
    # lower() makes two characters of İ.
    return re.findall(r"[^\W_]+", line.replace("İ", "i").lower())


def main():
    folder = sys.argv[1]
    train, test = ([lines(f"{folder}/{part}.{side}.gz") for side in ("src", "tgt")] for part in ("train", "test"))
    pairs = list(zip(*test))
    known = set(zip(*train))
    sources = set(train[0])
    numbers = [len(pairs), sum(pair in known for pair in pairs), sum(source in sources for source, _ in pairs)]
    for words_of, is_run in ((str.split, False), (runs, True)):
        counts = collections.Counter(word for line in train[1] for word in words_of(line))
        words = rare = copyable = 0
        for source, target in pairs:
            held = set(runs(source)) if is_run else source
            for word in words_of(target):
                words += 1
                if counts[word] < 5:
                    rare += 1
                    copyable += word in held
        numbers += [words, rare, copyable]
    print(*numbers)


if __name__ == "__main__":
    main()
