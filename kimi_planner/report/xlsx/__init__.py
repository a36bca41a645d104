"""A plan as a workbook whose totals follow its prices and assumptions."""
