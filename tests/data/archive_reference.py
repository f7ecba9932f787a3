"""Checks ours.pt in the folder given with torch.jit.load, and writes archives for the test to read."""

import io
import pickle
import sys
import zipfile

import torch

folder = sys.argv[1]

files = {"config.json": "", "source.spm": "", "manifest.json": ""}
module = torch.jit.load(f"{folder}/ours.pt", _extra_files=files)
state = module.state_dict()
assert list(dict(module.named_parameters())) == [
    "half",
    "encoder.layers.0.norm.bias",
    "encoder.layers.0.norm.weight",
    "encoder.layers.10.norm.bias",
], list(dict(module.named_parameters()))
assert list(dict(module.named_buffers())) == ["step"]
assert state["step"].item() == 123456789012345
assert state["encoder.layers.0.norm.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
assert state["encoder.layers.0.norm.weight"].dtype == torch.float32
assert state["half"].dtype == torch.float16 and state["half"].tolist() == [0, 0.25, 0.5, 0.75, 1]
assert files["config.json"] == b'{"model": {}}', files
assert files["source.spm"] == b"\0\1\xff binary"
assert module.encoder.layers is not None and not module.training
module.train()
assert module.training
module.eval()
torch.jit.save(module, f"{folder}/resaved.pt")


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.linear.weight.data = torch.arange(6.0).reshape(2, 3)
        self.linear.bias.data = torch.ones(2)
        self.tied = self.linear.weight
        self.register_buffer("counts", torch.arange(4))
        self.register_buffer("transposed", torch.arange(6.0).reshape(2, 3).t())
        self.list = [torch.ones(1), torch.ones(2)]
        self.table = {"a": torch.zeros(2)}
        self.sizes = [1, 2]
        self.rate = 0.5
        self.name = "model"
        self.device = torch.device("cpu")

    def forward(self, x):
        return self.linear(x)


scripted = torch.jit.script(Model())
scripted.save(f"{folder}/theirs.pt", _extra_files={"note.txt": b"hello"})
torch.save({"linear.bias": torch.ones(2)}, f"{folder}/state.pt")
with open(f"{folder}/pickled.pt", "wb") as file:
    pickle.dump({"weight": [1.0, 2.0]}, file)


def rewrite(target, change):
    """Copies theirs.pt with another data.pkl."""
    with zipfile.ZipFile(f"{folder}/theirs.pt") as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            copy.writestr(name, change(content) if name.endswith("/data.pkl") else content)


class Evil:
    def __reduce__(self):
        return (print, ("this must not run",))


rewrite(f"{folder}/code.pt", lambda _: pickle.dumps(Evil(), protocol=2))
# The offset into the storage of the first tensor: BININT1 0 after the persistent id.
rewrite(f"{folder}/overlap.pt", lambda content: content.replace(b"K\x00(K\x02K\x03t", b"K\x01(K\x02K\x03t"))
