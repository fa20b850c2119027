"""Cost model: the paper's accounting of training, and the accelerator's beside it.

``python -m golden.cost --paper`` holds the paper's printed ratios against ours; docs/cost.md.
"""

from golden.cost.accelerator import AcceleratorCost, Densities, accelerator_cost
from golden.cost.comparison import Comparison, compare
from golden.cost.paper import Cost, backpropagation, figure_of_merit, paper_cost, relative

__all__ = [
    "AcceleratorCost",
    "Comparison",
    "Cost",
    "Densities",
    "accelerator_cost",
    "backpropagation",
    "compare",
    "figure_of_merit",
    "paper_cost",
    "relative",
]
