"""safetensors_reference.py MODEL.pt FOLDER: FOLDER/model.safetensors holds what MODEL.pt holds, and nothing else.

Read by the package safetensors where there is one, and by the format's own rules in any case."""

import json
import math
import os
import struct
import sys

import torch

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def read_strictly(path):
    content = open(path, "rb").read()
    size = struct.unpack("<Q", content[:8])[0]
    assert size % 8 == 0 and content[8:9] == b"{"
    header = json.loads(content[8:8 + size], object_pairs_hook=without_duplicates)
    body = content[8 + size:]
    assert all(isinstance(value, str) for value in header.pop("__metadata__").values())
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(entry) == {"dtype", "shape", "data_offsets"}, name
        dtype, (start, stop) = TYPES[entry["dtype"]], entry["data_offsets"]
        assert start == end and start % dtype.itemsize == 0, f"{name}: a hole, an overlap or odd alignment"
        assert stop - start == math.prod(entry["shape"]) * dtype.itemsize, name
        tensors[name] = torch.frombuffer(bytearray(body[start:stop]), dtype=dtype).reshape(entry["shape"])
        end = stop
    assert end == len(body), "bytes that belong to no tensor"
    return tensors


def without_duplicates(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), "a name twice"
    return dict(pairs)


def compare(found, expected):
    assert set(found) == set(expected), set(found) ^ set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


model, folder = sys.argv[1:]
files = {"config.json": "", "source.spm": ""}
expected = torch.jit.load(model, _extra_files=files).state_dict()
compare(read_strictly(f"{folder}/model.safetensors"), expected)
for name, content in files.items():
    assert open(os.path.join(folder, name), "rb").read() == content, name
try:
    import safetensors.torch
except ImportError:
    print("no package safetensors: read by the format's rules alone")
else:
    compare(safetensors.torch.load_file(f"{folder}/model.safetensors"), expected)
