#!/usr/bin/env python3
"""How long an update takes in several processes: a model of computation against communication.

    bench/scaling_model.py --parameters 60e6 --tokens-per-second 560 --batch-tokens 4096 --gigabits 10

Per rank and update
    computing      batch_tokens * accumulate / tokens_per_second; two thirds of the last batch are backward
    communication  every bucket goes around a ring: 2 (n - 1) steps of a latency and of 1/n of its bytes
                   (training.compress_gradients bf16: --gradient-bytes 2)
    exposed        what is left of it when backward is over (buckets are sent while it runs)
    optimiser      every rank updates all weights: in tokens_per_second already; with
                   training.shard_optimizer (--shard) its part only, and the weights go around once more
    tokenising     every rank reads the whole corpus: n batches for each one that it trains on
"""
import argparse


def arguments():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--parameters", type=float, default=60e6)
    add("--tokens-per-second", type=float, default=560, help="target tokens of one rank alone")
    add("--batch-tokens", type=float, default=4096, help="of one rank and batch")
    add("--gradient-bytes", type=int, default=4, choices=[2, 4], help="of one number on its way")
    add("--shard", action="store_true", help="the optimiser's state is shared: weights are collected after each update")
    add("--accumulate", type=int, default=1)
    add("--gigabits", type=float, default=10, help="bandwidth of a rank, each way")
    add("--latency", type=float, default=50e-6, help="seconds of one message")
    add("--bucket-bytes", type=float, default=8 * 2**20)
    add("--tokenized-per-second", type=float, default=190e3, help="target tokens that one rank reads and tokenises (bench/data_pipeline)")
    add("--tokens", type=float, default=1e9, help="target tokens of the whole training")
    add("--ranks", type=int, nargs="+", default=[1, 2, 4, 8, 16, 64, 256, 1000])
    return parser.parse_args()


def update(n, a):
    """Seconds of one update: all of it, and the parts that computing does not hide."""
    one_batch = a.batch_tokens / a.tokens_per_second
    computing = one_batch * a.accumulate
    size = a.gradient_bytes * a.parameters
    buckets = max(1, round(size / a.bucket_bytes))
    ring = 0.0 if n == 1 else 2 * (n - 1) * (a.latency * buckets + size / n / (a.gigabits * 1e9 / 8))
    # The last bucket is complete when backward is over: the embeddings.
    hidden = min(ring * (buckets - 1) / buckets, one_batch * 2 / 3)
    exposed = ring - hidden
    if a.shard and n > 1:
        rounds = max(1, round(4 * a.parameters / a.bucket_bytes))
        exposed += (n - 1) * (a.latency * rounds + 4 * a.parameters / n / (a.gigabits * 1e9 / 8))
    tokenising = n * a.batch_tokens * a.accumulate / a.tokenized_per_second
    waiting = max(0.0, tokenising - (computing + exposed))
    return computing + exposed + waiting, exposed, waiting


def main():
    a = arguments()
    print(f"{'ranks':>6} {'update s':>9} {'network s':>10} {'text s':>8} {'tokens/s':>10} {'efficiency':>11} {'days':>8}")
    for n in a.ranks:
        seconds, exposed, waiting = update(n, a)
        speed = n * a.batch_tokens * a.accumulate / seconds
        print(f"{n:6d} {seconds:9.2f} {exposed:10.2f} {waiting:8.2f} {speed:10.0f} "
              f"{speed / n / a.tokens_per_second:11.2f} {a.tokens / speed / 86400:8.1f}")


if __name__ == "__main__":
    main()
