"""How style sheets and scripts are kept for the web server: named by their content, and packed once."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Assets(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage with gzip only: Brotli saves a page some kilobytes and costs the first start ten seconds."""

    def create_compressor(self, **options: Any) -> Compressor:
        """Return the compressor of collectstatic, without Brotli."""
        return Compressor(**options | {"use_brotli": False})
