"""What CTranslate2 makes of an exported model.

ctranslate2_reference.py FOLDER LINES OUT: greedy translations of every line and the log-probabilities of their tokens.
"""

import sys

import ctranslate2
import sentencepiece


def main():
    folder, lines, out = sys.argv[1:4]
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=folder + "/source.spm")
    translator = ctranslate2.Translator(folder, device="cpu", compute_type="float32", intra_threads=1)
    with open(lines, encoding="utf-8") as file:
        sources = [tokenizer.encode(line, out_type=str) for line in file.read().split("\n")[:-1]]
    never = [["<s>"], ["<pad>"]]
    results = translator.translate_batch(sources, beam_size=1, max_decoding_length=12, suppress_sequences=never)
    targets = [result.hypotheses[0] for result in results]
    scores = translator.score_batch(sources, targets)
    with open(out, "w", encoding="utf-8") as file:
        for target, score in zip(targets, scores):
            file.write(" ".join(target) + "\t" + " ".join(f"{p:.6f}" for p in score.log_probs) + "\n")


main()
