#!/usr/bin/env python3
"""Processor seconds to a BLEU on Multi30k's test set, beside OpenNMT-py 3.5.1: the same model, data, pieces and batches, one thread each.

  .venv/bin/python bench/time_to_bleu.py --data MULTI30K --onmt FOLDER --work FOLDER [--target 30] [--threads 1] [--only dragoman|onmt] [--set KEY=VALUE ...]

FOLDER of --onmt: where `pip install --target FOLDER --no-deps OpenNMT-py==3.5.1 pyonmttok configargparse pyyaml waitress fasttext-wheel flask
rapidfuzz six pyahocorasick` has put it, with an empty spacy.py. Dragoman trains examples/multi30k/quick.json; its tokeniser's pieces are what
OpenNMT-py reads. Each writes a checkpoint every 100 updates; the seconds are those of the process (user + system) when it appears, so other work on the
machine matters little. Afterwards each program translates with its own checkpoints, beam 5, and sacreBLEU scores the raw text.
"""

import argparse
import glob
import gzip
import json
import os
import re
import subprocess
import sys
import time

import sacrebleu
import sentencepiece

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVERY = 100
ONMT = """
save_data: {work}/onmt
data:
  corpus: {{path_src: {work}/train.source, path_tgt: {work}/train.target}}
src_vocab: {work}/vocabulary
tgt_vocab: {work}/vocabulary
share_vocab: true
save_model: {work}/onmt/model
encoder_type: transformer
decoder_type: transformer
position_encoding: true
enc_layers: 4
dec_layers: 4
heads: 4
hidden_size: 128
word_vec_size: 128
transformer_ff: 256
add_qkvbias: true
share_embeddings: true
share_decoder_embeddings: true
param_init: 0
param_init_glorot: true
dropout: [0.1]
attention_dropout: [0.0]
label_smoothing: 0.1
optim: adam
adam_beta2: 0.98
learning_rate: {onmt_rate}
decay_method: noam
warmup_steps: 300
max_grad_norm: 1
batch_type: tokens
batch_size: 1024
normalization: tokens
accum_count: [1]
bucket_size: 32768
num_workers: 0
train_steps: {steps}
save_checkpoint_steps: {every}
report_every: 50
seed: {seed}
"""


def lines_of(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        return file.read().split("\n")[:-1]


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


def processor_seconds(pid):
    """Of the process and its children, ended or not."""
    total = 0
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        if int(path.split("/")[2]) == pid or int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def train(command, environment, pattern, log, stops):
    """Seconds when each checkpoint appeared, by update."""
    seen = {}
    begun = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        while process.poll() is None:
            used = processor_seconds(process.pid)
            for path in glob.glob(pattern):
                step = int(re.search(r"(\d+)\.pt$", path).group(1))
                if step not in seen:
                    seen[step] = (used, time.monotonic() - begun)
                    print(f"{os.path.basename(log)} update {step}: {used:.1f} s of processor, {seen[step][1]:.1f} s", flush=True)
            if stops(seen):
                process.terminate()
            time.sleep(0.2)
    if process.returncode not in (0, -15) and not stops(seen):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: see {log}")
    return seen


def prepare(options):
    """The pieces of dragoman's tokeniser, trained by a run of no updates."""
    work = options.work
    os.makedirs(work + "/onmt", exist_ok=True)
    if not os.path.exists(work + "/tokenizer"):
        subprocess.run([options.program, "train", ROOT + "/examples/multi30k/quick.json", *settings(options, "prepare", 1)],
                       check=True, stderr=subprocess.DEVNULL)
        os.replace(work + "/prepare/source.spm", work + "/tokenizer")
    pieces = sentencepiece.SentencePieceProcessor(model_file=work + "/tokenizer")
    for side, language in [("source", "en"), ("target", "de")]:
        for part in ["train", "test_2016_flickr"]:
            lines = lines_of(f"{options.data}/{part}.{language}.gz")
            encoded = [" ".join(pieces.encode(line, out_type=str)) for line in lines]
            write(f"{work}/{'test' if part != 'train' else part}.{side}", encoded)
    write(work + "/vocabulary", [f"{pieces.id_to_piece(index)}\t{len(pieces) - index}" for index in range(4, len(pieces))])
    return pieces


def settings(options, name, steps):
    values = [f"data.folder={options.data}", f"training.output={options.work}/{name}", f"training.threads={options.threads}", f"training.seed={options.seed}",
              f"training.max_steps={steps}", f"training.save_every={EVERY}", "training.keep_last=1000", "training.keep_best=0",
              "training.validate_every=0", "training.best_metric=loss", "training.tensorboard=false", *options.set]
    return [word for value in values for word in ("--set", value)]


def dragoman(options, pieces, reference):
    seen = train([options.program, "train", ROOT + "/examples/multi30k/quick.json", *settings(options, options.name, options.steps)],
                 dict(os.environ), f"{options.work}/{options.name}/checkpoints/step-*[0-9].pt",
                 f"{options.work}/{options.name}.log", lambda seen: False)

    def translate(step):
        return subprocess.run([options.program, "translate", "-q", "-m", f"{options.work}/{options.name}/checkpoints/step-{step}.pt", "-i", options.work + "/test.raw",
                               "--beam-size", "5", "--threads", str(options.threads)], check=True, capture_output=True, text=True).stdout.split("\n")[:-1]

    return first_above(options.name, seen, translate, reference, options.target)


def onmt(options, pieces, reference):
    work = options.work
    write(work + "/onmt.yaml", ONMT.format(work=work, steps=options.onmt_steps, onmt_rate=options.onmt_rate, every=EVERY, seed=options.seed).strip().split("\n"))
    environment = {**os.environ, "PYTHONPATH": options.onmt, "OMP_NUM_THREADS": str(options.threads), "MKL_NUM_THREADS": str(options.threads),
                   "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    seen = train([sys.executable, "-m", "onmt.bin.train", "-config", work + "/onmt.yaml"], environment, work + "/onmt/model_step_*[0-9].pt", work + "/onmt.log",
                 lambda seen: os.path.exists(work + "/onmt.stop"))

    def translate(step):
        output = f"{work}/onmt.{step}"
        subprocess.run([sys.executable, "-m", "onmt.bin.translate", "-model", f"{work}/onmt/model_step_{step}.pt", "-src", work + "/test.source", "-output", output,
                        "-beam_size", "5", "-batch_size", "64", "-length_penalty", "avg"], env=environment, check=True, capture_output=True)
        with open(output, encoding="utf-8") as file:
            return [pieces.decode(line.split()) for line in file.read().split("\n")[:-1]]

    return first_above("onmt", seen, translate, reference, options.target)


def first_above(name, seen, translate, reference, target):
    rows = []
    for step in sorted(seen):
        texts = translate(step)
        assert len(texts) == len(reference), (len(texts), len(reference))
        rows.append((step, *seen[step], sacrebleu.corpus_bleu(texts, [reference]).score))
        print(f"{name} update {step}: {seen[step][0]:.0f} s, BLEU {rows[-1][-1]:.2f}", flush=True)
    reached = next((row for row in rows if row[-1] >= target), None)
    print(f"{name}: " + (f"{target} BLEU at update {reached[0]}, {reached[1]:.0f} s of processor, {reached[2]:.0f} s of clock" if reached else f"{target} BLEU not reached, best "
                         f"{max(row[-1] for row in rows):.2f}"), flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--onmt")
    parser.add_argument("--work", required=True)
    parser.add_argument("--program", default=ROOT + "/build/dragoman")
    parser.add_argument("--only", choices=["dragoman", "onmt"])
    parser.add_argument("--name", default="dragoman", help="of dragoman's run")
    parser.add_argument("--set", action="append", default=[], help="of dragoman's configuration")
    for name, value in [("target", 30), ("threads", 1), ("seed", 1), ("steps", 1500), ("onmt-steps", 6000)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--onmt-rate", type=float, default=0.4, help="learning_rate of noam: 1.0 is 0.005 at most")
    options = parser.parse_args()
    options.work, options.data = os.path.abspath(options.work), os.path.abspath(options.data)
    pieces = prepare(options)
    write(options.work + "/test.raw", lines_of(options.data + "/test_2016_flickr.en.gz"))
    reference = lines_of(options.data + "/test_2016_flickr.de.gz")
    results = {}
    if options.only != "onmt":
        results[options.name] = dragoman(options, pieces, reference)
    if options.only != "dragoman":
        results["onmt"] = onmt(options, pieces, reference)
    for name, rows in results.items():
        with open(f"{options.work}/{name}.json", "w", encoding="utf-8") as file:
            json.dump(rows, file)


if __name__ == "__main__":
    main()
