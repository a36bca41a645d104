"""When a model that reasons before it answers pays."""
