"""The processes that make files: supervisor, Celery's side of the wire, warm children and who watches them."""
