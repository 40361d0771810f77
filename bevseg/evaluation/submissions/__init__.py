"""Results in the formats that benchmarks take. Each file appears whole or not at all, and nothing unfit is written."""
