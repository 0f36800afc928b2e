"""The benchmarks: Z-GPT beside FastAPI and Node doing the same job. Nothing of the product is imported here."""
