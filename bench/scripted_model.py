"""scripted_model.py MODEL.pt INPUT [BEAM [LENGTH]]: drives a scripted model (docs/torchscript.md) from Python: a beam search over batches of
32 sentences, each output LENGTH pieces long, in one thread. The same with us:

    dragoman translate --model MODEL.pt --allow-scripts -i INPUT --threads 1 --batch-size 32 --beam-size BEAM \
        --min-length LENGTH --max-length LENGTH --max-length-ratio 1000"""

import sys
import time

import sentencepiece
import torch


@torch.no_grad()
def search(model, ids, mask, begin, end, never, beam, length):
    """ids [batch, time] -> the best outputs [batch, length]."""
    batch = ids.size(0)
    state = model.encode(ids, mask)
    last = torch.full([batch], begin)
    totals = torch.zeros(batch, 1)
    said = torch.zeros(batch, 1, 0, dtype=torch.long)
    for _ in range(length):
        log_probs, state = model.step(last, state)
        log_probs[:, never] = -float("inf")
        width = totals.size(1)
        totals, places = (totals.unsqueeze(2) + log_probs.view(batch, width, -1)).flatten(1).topk(beam)
        rows = places // log_probs.size(1)
        pieces = places % log_probs.size(1)
        said = torch.cat([said.gather(1, rows.unsqueeze(2).expand(-1, -1, said.size(2))), pieces.unsqueeze(2)], 2)
        old = (rows + torch.arange(batch).unsqueeze(1) * width).flatten()
        state = [part.index_select(0, old) for part in state]
        last = pieces.flatten()
    return said[:, 0]


def main(path, lines, beam=4, length=30):
    beam, length = int(beam), int(length)
    torch.set_num_threads(1)
    files = {"source.spm": ""}
    model = torch.jit.load(path, _extra_files=files)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=files["source.spm"])
    end = pieces.eos_id()
    begin = pieces.bos_id() if pieces.bos_id() >= 0 else end
    never = [id for id in (pieces.unk_id(), pieces.pad_id(), pieces.bos_id(), end) if id >= 0]
    sources = sorted((pieces.encode(line) + [end] for line in open(lines).read().splitlines()), key=len, reverse=True)
    begun, processor = time.perf_counter(), time.process_time()
    for first in range(0, len(sources), 32):
        batch = sources[first:first + 32]
        ids = torch.tensor([ids + [0] * (len(batch[0]) - len(ids)) for ids in batch])
        mask = torch.tensor([[place < len(ids) for place in range(len(batch[0]))] for ids in batch])
        search(model, ids, mask, begin, end, never, beam, length)
    seconds, processor = time.perf_counter() - begun, time.process_time() - processor
    print(f"{len(sources)} sentences in {seconds:.2f} s, {processor:.2f} s of the processor: {len(sources) / seconds:.1f} a second")


main(*sys.argv[1:])
