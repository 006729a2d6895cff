"""One way to train a network, the teacher's and the judge's: AdamW, a rate that rises and falls, averaged weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Averaging"]

AVERAGE = 0.99  # how much of the averaged weights stays at each step
DECAY, LONGEST = 0.01, 1.0  # of the weights; of a gradient
RISING = 0.1  # of the steps: then the rate falls


class Averaging:
    """Takes the steps of a model's training. ``parts`` are its parameters, each with the rate at its height."""

    def __init__(self, torch: Any, model: Any, parts: Sequence[tuple[Sequence[Any], float]], steps: int) -> None:
        self._torch, self._model = torch, model
        self._averaged = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)
        )
        groups = [{"params": own, "lr": rate} for own, rate in parts]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=DECAY, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: min(step / (RISING * steps), (steps - step) / ((1 - RISING) * steps))
        )

    @property
    def average(self) -> Any:
        """The model with the averaged weights."""
        return self._averaged.module

    def step(self, loss: Any) -> float:
        """One step down the gradient of a loss; the loss as a number."""
        loss.backward()
        self._torch.nn.utils.clip_grad_norm_(self._model.parameters(), LONGEST)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._schedule.step()
        self._averaged.update_parameters(self._model)
        return float(loss.item())
