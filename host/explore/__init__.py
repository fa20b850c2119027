"""Choice of (k, n): accuracy of the float reference against what training costs (optuna, torch)."""
