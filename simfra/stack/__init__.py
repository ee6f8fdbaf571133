"""One machine's stack: `manage.py up`, `down`, `reset`, `doctor` and `test`, and what they stand on."""
