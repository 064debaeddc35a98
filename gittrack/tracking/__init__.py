"""What users do with runs: one explicit client over a store."""
