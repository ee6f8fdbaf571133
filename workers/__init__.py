"""The background: makes the world as the rows say. ``loop`` is the one place that turns plans into Docker calls."""
