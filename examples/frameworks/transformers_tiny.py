"""Train a tiny transformer from scratch with the Trainer of Hugging Face: it learns to count modulo seven.

python examples/frameworks/transformers_tiny.py     # in a Git repository, with gittrack[transformers]
"""

from __future__ import annotations

import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

from gittrack.integrations.transformers import GittrackCallback

LENGTH, MODULUS = 16, 7


def make_data(count: int) -> list[dict[str, torch.Tensor]]:
    """Return sequences that count upwards from anywhere."""
    rows = [(torch.arange(LENGTH) + start) % MODULUS for start in range(count)]
    return [{"input_ids": row, "labels": row} for row in rows]


set_seed(0)
config = GPT2Config(
    vocab_size=MODULUS, n_positions=LENGTH, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder,
        num_train_epochs=3,
        per_device_train_batch_size=32,
        learning_rate=0.01,
        logging_steps=5,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        GPT2LMHeadModel(config),
        arguments,
        train_dataset=make_data(512),
        eval_dataset=make_data(64),
        callbacks=[GittrackCallback("counting", log_checkpoints=True)],
    )
    trainer.train()
    print(f"loss {trainer.state.log_history[-1].get('train_loss'):.3f}")
