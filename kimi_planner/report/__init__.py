"""Results as text: terminal tables, Markdown, HTML and JSON. No arithmetic of its own."""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "reconcile.compare": "reconcile",
        "reconcile.invoice": "InvoiceCheck check_invoice",
        "reconcile.result": "Reconciliation",
        "report.comparisons": "plan_sections",
        "report.focus.forecast": "focus_forecast",
        "report.focus.usage": "focus_usage",
        "report.write": "write_report",
    },
)
