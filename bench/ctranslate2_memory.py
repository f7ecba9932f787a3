#!/usr/bin/env python3
"""Resident memory of CTranslate2, as bench/resident_memory.cpp measures ours: of the program before it loads anything, of the model, and while
COUNT of the lines, drawn at random, are translated in calls of 2000, one intra-op thread a worker.

  build/dragoman export MODEL.pt --format ctranslate2 -o FOLDER
  .venv/bin/python bench/ctranslate2_memory.py FOLDER LINES [COUNT] [BEAM] [WORKERS] [BATCH] [TYPE]
"""

import os
import random
import sys

import ctranslate2
import sentencepiece

CALL = 2000


def report(when):
    with open("/proc/self/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file)
    size = {name: int(status[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM")}
    print(f"{when:24} {size['VmRSS']:7.1f} MB resident ({size['RssAnon']:.1f} anonymous, {size['RssFile']:.1f} of files), "
          f"at most {size['VmHWM']:.1f}", flush=True)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, path, *rest = sys.argv[1:]
    count, beam, workers, batch, compute = rest + ["20000", "4", "2", "64", "float32"][len(rest):]
    report("before")
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    source = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "source.spm"))
    translator = ctranslate2.Translator(folder, device="cpu", compute_type=compute, inter_threads=int(workers), intra_threads=1)
    report("loaded")
    draw = random.Random(1)
    for done in range(0, int(count), CALL):
        texts = [draw.choice(lines) for _ in range(CALL)]
        results = translator.translate_batch([source.encode(text, out_type=str) for text in texts], beam_size=int(beam),
                                             max_batch_size=int(batch), length_penalty=1)
        [source.decode(result.hypotheses[0]) for result in results]
        report(f"{done + CALL} sentences")


if __name__ == "__main__":
    main()
