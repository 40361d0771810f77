"""Official evaluators, run on our results. Each needs the official package, an optional extra."""
