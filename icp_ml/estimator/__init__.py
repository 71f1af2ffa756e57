"""The model: frozen bins, an additive fit on them, and the tables that are the model."""
