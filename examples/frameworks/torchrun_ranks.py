"""Fit a line on two processes that share their gradients; rank 0 records, or all of them into one run.

torchrun --standalone --nproc-per-node 2 examples/frameworks/torchrun_ranks.py
GITTRACK_RANKS=all torchrun --standalone --nproc-per-node 2 examples/frameworks/torchrun_ranks.py
"""

from __future__ import annotations

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

import gittrack

distributed.init_process_group("gloo")
rank = distributed.get_rank()
torch.manual_seed(rank)
model = DistributedDataParallel(torch.nn.Linear(1, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

with gittrack.start_run(run_name="two ranks"):
    for step in range(60):
        x = torch.randn(64, 1)
        loss = ((model(x) - (3 * x + 1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        gittrack.log_metric(f"rank_{rank}/loss", loss.item(), step=step)
        if rank == 0:
            gittrack.log_metric("loss", loss.item(), step=step)
    distributed.barrier()
distributed.destroy_process_group()
