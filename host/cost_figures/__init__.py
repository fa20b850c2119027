"""Pictures of the cost model: ``python -m host.cost_figures``."""
