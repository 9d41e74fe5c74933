"""The parts of gpu-check: what an NVIDIA GPU's meters tell, and how they compare."""
