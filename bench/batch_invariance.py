#!/usr/bin/env python3
"""Translates FILE with batch sizes 1, 7 and 64, in order and shuffled, and compares texts and scores.

    bench/batch_invariance.py build/dragoman MODEL.pt FILE [FLAGS OF dragoman translate]

Ends with status 1 unless all texts are identical and all scores agree to 1e-5.
"""
import json
import random
import subprocess
import sys


def translate(program, model, lines, batch_size, flags):
    command = [program, "translate", "--model", model, "--format", "jsonl", "--quiet",
               "--batch-size", str(batch_size), *flags]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(lines), (len(results), len(lines))
    return results


def main():
    program, model, path, *flags = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    shuffled = random.Random(1).sample(range(len(lines)), len(lines))
    expected = translate(program, model, lines, 1, flags)
    failed = False
    for batch_size in (7, 64):
        for name, order in (("in order", range(len(lines))), ("shuffled", shuffled)):
            results = translate(program, model, [lines[index] for index in order], batch_size, flags)
            texts = worst = 0
            for result, index in zip(results, order):
                texts += result["text"] != expected[index]["text"]
                worst = max(worst, abs(result["score"] - expected[index]["score"]))
            print(f"batch {batch_size:3d}, {name}: {texts} of {len(lines)} texts differ, "
                  f"largest difference of a score {worst:.1e}")
            failed = failed or texts > 0 or worst > 1e-5
    sys.exit(failed)


if __name__ == "__main__":
    main()
