"""Probabilities of the segmentations of words, from the definitions alone.

segmentation_reference.py bpe     MODEL DROPOUT WORDS   Provilkov et al. 2020, algorithm 1, every run of it followed
segmentation_reference.py unigram MODEL ALPHA   WORDS   Kudo 2018: every segmentation listed and weighed

Prints for each word lines "pieces separated by spaces<TAB>probability", then an empty line.
"""

import math
import sys
from collections import defaultdict

import sentencepiece


def after_merges(word, scores, dropout):
    """{segmentation: probability}; all merges that are possible, each left out with its probability, before every step."""
    done = defaultdict(float)
    open_states = {tuple(word): 1.0}
    while open_states:
        state, probability = open_states.popitem()
        merges = [(-scores[state[i] + state[i + 1]], i)
                  for i in range(len(state) - 1) if state[i] + state[i + 1] in scores]
        for _, i in sorted(merges):
            merged = state[:i] + (state[i] + state[i + 1],) + state[i + 2:]
            # Every merge before this one was left out, this one was not.
            open_states[merged] = open_states.get(merged, 0.0) + probability * (1.0 - dropout)
            probability *= dropout
        done[state] += probability
    return done


def segmentations(word, scores):
    if not word:
        yield ()
    for end in range(1, len(word) + 1):
        if word[:end] in scores:
            for rest in segmentations(word[end:], scores):
                yield (word[:end],) + rest


def main():
    kind, model, strength, words = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    scores = {processor.id_to_piece(i): processor.get_score(i) for i in range(processor.get_piece_size())
              if not (processor.is_control(i) or processor.is_unknown(i))}
    for word in words:
        word = "\u2581" + word
        if kind == "bpe":
            found = after_merges(word, scores, strength)
        else:
            weights = {pieces: math.exp(strength * sum(scores[p] for p in pieces))
                       for pieces in segmentations(word, scores)}
            total = sum(weights.values())
            found = {pieces: weight / total for pieces, weight in weights.items()}
        for pieces, probability in found.items():
            print(" ".join(pieces) + "\t" + repr(probability))
        print()


main()
