"""What is written to the log."""

import logging


class Refusals(logging.Filter):
    """Log a refused or missing page in one line: its traceback says nothing and hides those of real faults."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the traceback off a record about an answer below 500."""
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True
