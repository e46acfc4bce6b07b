"""PyTorch eager, the peer of TrainingBenchmark's last case: a training step of MiniLM's last layer.

The layer (384 wide, 12 heads, 1536 between), the mean over the tokens and a classifier of 3, batch
16, 64 tokens, AdamW. Random weights: they do not change what a step costs.

    pip install torch --index-url https://download.pytorch.org/whl/cpu
    python bench/peers/minilm_last_layer.py [STEPS]
"""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Layer(nn.Module):
    """As Hugging Face's BertLayer computes it, with scaled_dot_product_attention or by hand."""

    def __init__(self, fused):
        super().__init__()
        self.fused = fused
        self.query, self.key, self.value, self.output = (nn.Linear(384, 384) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(384, eps=1e-12), nn.LayerNorm(384, eps=1e-12)
        self.intermediate, self.dense = nn.Linear(384, 1536), nn.Linear(1536, 384)
        self.classifier = nn.Linear(384, 3)

    def heads(self, x):
        return x.view(x.shape[0], x.shape[1], 12, 32).transpose(1, 2)

    def forward(self, x, mask):
        q, k, v = self.heads(self.query(x)), self.heads(self.key(x)), self.heads(self.value(x))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            y = torch.softmax(q @ k.transpose(-1, -2) / 32**0.5 + mask, dim=-1) @ v
        y = y.transpose(1, 2).reshape(x.shape)
        x = self.norm1(self.output(y) + x)
        x = self.norm2(self.dense(F.gelu(self.intermediate(x))) + x)
        return self.classifier(x.mean(1))


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    torch.set_num_threads(2)
    torch.manual_seed(1)
    x, mask = torch.randn(16, 64, 384), torch.zeros(16, 1, 1, 64)
    labels = torch.zeros(16, dtype=torch.long)
    for fused in (False, True):
        layer = Layer(fused)
        optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-3)
        times = []
        for step in range(steps + 3):
            start = time.perf_counter()
            optimizer.zero_grad()
            F.cross_entropy(layer(x, mask), labels).backward()
            optimizer.step()
            times.append(1e3 * (time.perf_counter() - start))
        times = sorted(times[3:])
        name = "scaled_dot_product_attention" if fused else "attention by hand"
        print(f"PyTorch {torch.__version__}, {name}: {times[len(times) // 2]:.1f} ms a step"
              f" (fastest {times[0]:.1f})")


main()
