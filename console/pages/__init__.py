"""Server-rendered pages: views and what they show."""
