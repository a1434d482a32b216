"""What is expected: packages, visits, evidence, verdicts, liveness."""
