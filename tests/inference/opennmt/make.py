#!/usr/bin/env python3
"""Trains two tiny models with OpenNMT-py 3.5.1 on made-up data and keeps what it says, for import_opennmt_test.cpp.

    PYTHONPATH=FOLDER_OF_OPENNMT python make.py OUTPUT_FOLDER

pieces.pt   tokens are pieces of two SentencePiece models (pieces.source.model, pieces.target.model), vocabularies of
            their own, biases everywhere, GELU, sines before cosines
copies.pt   tokens are words, one vocabulary, copy_attn; names are in no vocabulary
NAME.json   source, greedy, beam: lines of tokens, and what OpenNMT-py's translate makes of them, with its scores

The files are as `onmt_train` wrote them, but for two things that keep them small: tables of positions have 100 rows in
place of 5000, and the last update is one of SGD, which has no moments to store. Translations are made one by one: in a
batch, 3.5.1 looks up the copied words of the wrong sentence as soon as one has ended (collapse_copy_scores counts the
sentences that are left, and reads those of the whole batch).
"""
import functools
import json
import os
import pathlib
import random
import sys
import unittest.mock
import warnings

os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # OpenNMT-py is older than torch's default
warnings.filterwarnings("ignore")

import sentencepiece
import torch
from onmt.bin import train, translate
from onmt.inference_engine import InferenceEnginePY
from onmt.inputters.dynamic_iterator import build_dynamic_dataset_iter
from onmt.models.model import BaseModel
from onmt.modules.embeddings import PositionalEncoding
from onmt.utils.parse import ArgumentParser

PositionalEncoding.__init__.__defaults__ = (100,)
load_state_dict = BaseModel.load_state_dict


def load_with_generator(self, checkpoint, **options):
    """3.5.1 does not find the generator of a copy_attn model in a file of its own, since its names have two parts."""
    for name in list(checkpoint["generator"]):
        if "." in name:
            checkpoint["model"][f"generator.{name}"] = checkpoint["generator"].pop(name)
    load_state_dict(self, checkpoint, **options)


BaseModel.load_state_dict = load_with_generator
INPUTS = 50
STEPS = 600
SYLLABLES = ["ba", "ko", "mi", "tu", "re", "sa", "lo", "ni", "da", "pe"]


def word(draw, least, most):
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(least, most)))


def corpus(draw, count, names):
    """Sentences, and the same with other words and each pair of words swapped; names stay as they are."""
    lexicon = random.Random(1)
    source = sorted({word(lexicon, 1, 3) for _ in range(30)})
    target = [text[::-1] for text in source]
    pairs = []
    for _ in range(count):
        words = [draw.randrange(len(source)) for _ in range(draw.randint(2, 7))]
        left = [source[number] for number in words]
        right = [target[number] for number in words]
        if names and draw.random() < 0.7:
            place = draw.randrange(len(words))
            left[place] = right[place] = word(draw, 2, 3).capitalize()
        for place in range(0, len(right) - 1, 2):
            right[place], right[place + 1] = right[place + 1], right[place]
        pairs.append((" ".join(left), " ".join(right)))
    return pairs


def write(path, lines):
    pathlib.Path(path).write_text("".join(line + "\n" for line in lines))


def pieces_model(path, lines, size):
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_prefix=str(path), vocab_size=size,
                                             normalization_rule_name="identity", minloglevel=2)
    pathlib.Path(f"{path}.vocab").unlink()
    return sentencepiece.SentencePieceProcessor(model_file=f"{path}.model")


def vocabulary(path, lines, least):
    counts = {}
    for line in lines:
        for token in line.split(" "):
            counts[token] = counts.get(token, 0) + 1
    kept = sorted((token for token in counts if counts[token] >= least), key=lambda token: (-counts[token], token))
    write(path, [f"{token}\t{counts[token]}" for token in kept])


def call(main, arguments):
    sys.argv = ["onmt"] + [str(argument) for argument in arguments]
    main()


def said_by(model, work, copies, options):
    """As onmt_translate does, whose option -with_score does not work in 3.5.1, and which does not tell its reader that
    the model copies."""
    sys.argv = ["onmt"] + [str(argument) for argument in
                           ["-model", model, "-src", work / "test.src", "-output", work / "said"] + options]
    opt = translate._get_parser().parse_args()
    ArgumentParser.validate_translate_opts(opt)
    ArgumentParser._get_all_transform_translate(opt)
    ArgumentParser._validate_transforms_opts(opt)
    ArgumentParser.validate_translate_opts_dynamic(opt)
    with unittest.mock.patch("onmt.inference_engine.build_dynamic_dataset_iter",
                             functools.partial(build_dynamic_dataset_iter, copy=copies)):
        scores, texts = InferenceEnginePY(opt).infer_file()
    return [best[0] for best in texts], [round(float(best[0]), 6) for best in scores]


def train_both(work, common):
    call(train.main, common + ["-optim", "adam", "-learning_rate", 0.01, "-train_steps", STEPS,
                               "-save_checkpoint_steps", STEPS])
    call(train.main, common + ["-optim", "sgd", "-learning_rate", 1e-4, "-train_steps", 1, "-reset_optim", "all",
                               "-save_checkpoint_steps", 1, "-train_from", work / f"model_step_{STEPS}.pt"])


def make(out, name, pairs, joint, options):
    work = out / f"{name}.work"
    work.mkdir(parents=True, exist_ok=True)
    held, seen = pairs[:INPUTS], pairs[INPUTS:]
    for side, number in (("src", 0), ("tgt", 1)):
        write(work / f"train.{side}", [pair[number] for pair in seen])
        vocabulary(work / f"vocab.{side}", [text for pair in seen for text in (pair if joint else pair[number:number + 1])],
                   20)
    write(work / "test.src", [pair[0] for pair in held])
    config = {"save_data": str(work), "src_vocab": str(work / "vocab.src"), "tgt_vocab": str(work / "vocab.tgt"),
              "data": {"corpus": {"path_src": str(work / "train.src"), "path_tgt": str(work / "train.tgt")}}}
    (work / "run.yaml").write_text(json.dumps(config))
    common = ["-config", work / "run.yaml", "-encoder_type", "transformer", "-decoder_type", "transformer",
              "-enc_layers", 2, "-dec_layers", 2, "-hidden_size", 16, "-word_vec_size", 16, "-heads", 2,
              "-transformer_ff", 32, "-position_encoding", "-dropout", 0, "-attention_dropout", 0,
              "-batch_size", 64, "-num_workers", 0, "-bucket_size", 512, "-seed", 1, "-param_init", 0,
              "-param_init_glorot", "-save_model", work / "model", "-report_every", 200] + options
    if not (work / "model_step_1.pt").exists():  # or it was trained before
        train_both(work, common)
    (out / f"{name}.pt").write_bytes((work / "model_step_1.pt").read_bytes())
    said = {"source": [pair[0] for pair in held]}
    for kind, beams in (("greedy", 1), ("beam", 4)):
        texts, scores = said_by(out / f"{name}.pt", work, "-copy_attn" in options,
                                ["-beam_size", beams, "-batch_size", 1, "-max_length", 40, "-max_length_ratio", 0])
        said[kind], said[f"{kind}_scores"] = texts, scores
        right = sum(text == pair[1] for text, pair in zip(said[kind], held))
        print(f"{name}: {kind}: {right} of {len(held)} right")
    (out / f"{name}.json").write_text(json.dumps(said, indent=0, ensure_ascii=False))


def main():
    pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    os.chdir(sys.argv[1])  # checkpoints hold the paths that they were given
    out = pathlib.Path(".")
    torch.set_num_threads(1)
    draw = random.Random(3)
    texts = corpus(draw, 4000, names=False)
    source = pieces_model(out / "pieces.source", [pair[0] for pair in texts], 44)
    target = pieces_model(out / "pieces.target", [pair[1] for pair in texts], 40)
    pairs = [(" ".join(source.encode(pair[0], out_type=str)), " ".join(target.encode(pair[1], out_type=str)))
             for pair in texts]
    make(out, "pieces", pairs, joint=False,
         options=["-add_qkvbias", "-add_ffnbias", "-pos_ffn_activation_fn", "gelu", "-position_encoding_type",
                  "SinusoidalConcat", "-share_decoder_embeddings"])
    make(out, "copies", corpus(draw, 4000, names=True), joint=True,
         options=["-copy_attn", "-share_vocab", "-share_embeddings"])


if __name__ == "__main__":
    main()
