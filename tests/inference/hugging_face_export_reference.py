#!/usr/bin/env python3
"""What transformers makes of an exported model.

    hugging_face_export_reference.py FOLDER LINES OUT

OUT, JSON: of each line source (ids), greedy (text of generate), target (its ids) and logits (of each of its positions).
"""
import json
import sys

import torch
import transformers


def main():
    folder, lines, out = sys.argv[1:4]
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model, loading = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, output_loading_info=True)
    assert not loading["unexpected_keys"] and not loading["mismatched_keys"], loading
    model.eval()
    rows = []
    with open(lines, encoding="utf-8") as file, torch.no_grad():
        for line in file.read().split("\n")[:-1]:
            source = tokenizer(line, return_tensors="pt")
            target = model.generate(**source, num_beams=1, do_sample=False, max_length=13)  # 12 words and the start
            logits = model(**source, decoder_input_ids=target).logits
            rows.append({"source": source["input_ids"][0].tolist(), "target": target[0].tolist(), "logits": logits[0].tolist(),
                         "greedy": tokenizer.decode(target[0], skip_special_tokens=True)})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file)


main()
