#!/usr/bin/env python3
"""How fast CTranslate2 is with an exported model: the same lines, tokenisation included, one intra-op thread a worker.

  build/dragoman export MODEL.pt --format ctranslate2 -o FOLDER
  .venv/bin/python bench/ctranslate2_speed.py FOLDER LINES [--beam 4] [--workers 2] [--batch 64] [--type float32] [--length 0] [--output F]
  build/dragoman translate -m MODEL.pt -i LINES --beam-size 4 --threads 2 --batch-size 64 [--min-length N --max-length N]
"""

import argparse
import os
import time

import ctranslate2
import sentencepiece


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("lines")
    for name, default in [("beam", 4), ("workers", 2), ("batch", 64), ("length", 0)]:
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--type", default="float32")
    parser.add_argument("--output")
    options = parser.parse_args()

    def tokenizer(name):
        return sentencepiece.SentencePieceProcessor(model_file=os.path.join(options.folder, name))

    source = tokenizer("source.spm")
    target = tokenizer("target.spm") if os.path.exists(os.path.join(options.folder, "target.spm")) else source
    translator = ctranslate2.Translator(
        options.folder, device="cpu", compute_type=options.type, inter_threads=options.workers, intra_threads=1)
    with open(options.lines, encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    search = {"beam_size": options.beam, "max_batch_size": options.batch, "length_penalty": 1}
    if options.length > 0:
        search |= {"min_decoding_length": options.length, "max_decoding_length": options.length}
    translator.translate_batch([source.encode(line, out_type=str) for line in lines[:64]], **search)
    start = time.perf_counter()
    results = translator.translate_batch([source.encode(line, out_type=str) for line in lines], **search)
    texts = [target.decode(result.hypotheses[0]) for result in results]
    seconds = time.perf_counter() - start
    tokens = sum(len(result.hypotheses[0]) for result in results)
    print(f"CTranslate2 {options.type}, beam {options.beam}, {options.workers} workers, batch {options.batch}: "
          f"{len(lines) / seconds:.1f} sentences/s, {tokens / len(lines):.1f} tokens a sentence")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write("".join(text + "\n" for text in texts))


if __name__ == "__main__":
    main()
