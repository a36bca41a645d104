"""Results as text: terminal tables, Markdown, HTML and JSON. No arithmetic of its own."""
