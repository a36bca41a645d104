"""A plan as a workbook whose totals follow its prices and assumptions."""

from kimi_planner.report.xlsx.workbook import xlsx_report

__all__ = ["xlsx_report"]
