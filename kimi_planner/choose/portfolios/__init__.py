"""A portfolio: a model for every workload under one budget, proved best or with a stated gap."""

from kimi_planner.choose.portfolios.choose import portfolio
from kimi_planner.choose.portfolios.frontier import PortfolioFrontier, portfolio_frontier
from kimi_planner.choose.portfolios.result import Portfolio
from kimi_planner.choose.portfolios.step import Step, next_usd

__all__ = ["Portfolio", "PortfolioFrontier", "Step", "next_usd", "portfolio", "portfolio_frontier"]
