"""What NVIDIA's GPUs do, by index."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1e6


class Gpus:
    """Reads all GPUs that this process can see; none if there is no library, driver or device."""

    def __init__(self) -> None:
        """Look for devices."""
        self._devices: list[Any] = []
        try:
            import pynvml
        except ImportError:
            return
        self._nvml = pynvml
        with contextlib.suppress(pynvml.NVMLError, OSError):
            pynvml.nvmlInit()
            self._devices = [
                pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
            ]

    def read(self) -> dict[str, float]:
        """Return metrics by MLflow's names, without their prefix; what a device does not tell is left out."""
        return {
            f"gpu_{index}_{name}": value
            for index, device in enumerate(self._devices)
            for name, value in self._read_device(device)
        }

    def _read_device(self, device: Any) -> Iterator[tuple[str, float]]:  # noqa: ANN401  (NVIDIA's own)
        nvml = self._nvml
        with contextlib.suppress(nvml.NVMLError):
            memory = nvml.nvmlDeviceGetMemoryInfo(device)
            yield "memory_usage_megabytes", memory.used / MEGABYTE
            yield "memory_usage_percentage", memory.used / memory.total * 100
        with contextlib.suppress(nvml.NVMLError):
            yield "utilization_percentage", float(nvml.nvmlDeviceGetUtilizationRates(device).gpu)
        with contextlib.suppress(nvml.NVMLError):
            watts = nvml.nvmlDeviceGetPowerUsage(device) / 1000
            yield "power_usage_watts", watts
            yield "power_usage_percentage", watts / nvml.nvmlDeviceGetEnforcedPowerLimit(device) * 100_000
