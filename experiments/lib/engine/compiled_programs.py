"""The folder in which JAX keeps compiled programs between commands. They only save time: no fault of theirs is told."""

import warnings
import zlib
from pathlib import Path

from experiments.lib.errors import UserError
from experiments.lib.store import files

UNTOLD = "Error (reading|writing) persistent compilation cache entry"  # JAX then compiles anew
STAMP = "checked"


def keep_in(folder: Path) -> None:
    """Has JAX keep in `folder` what takes long to compile; where it cannot be written JAX keeps nothing."""
    import jax

    try:
        files.make_folder(folder)
    except UserError:
        return
    warnings.filterwarnings("ignore", UNTOLD, UserWarning)
    remove_cut_short(folder)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def remove_cut_short(folder: Path) -> None:
    """Removes programs that a kill or a full disk cut short: JAX could not read them, and would never replace them.

    Only those are read that are newer than the last look.
    """
    stamp = folder / STAMP
    try:
        since = stamp.stat().st_mtime - 60 if stamp.exists() else 0.0
        new = [path for path in folder.glob("*-cache") if path.stat().st_mtime >= since]
        for path in new:
            if not _is_whole(path.read_bytes()):
                files.remove(path)
        if new:
            files.write_atomically(stamp, b"")
    except (OSError, UserError):
        pass  # another process was faster, or the folder cannot be written


def _is_whole(packed: bytes) -> bool:
    """Says whether a compiled program is whole; of one that is packed in another way than by zlib, that it is."""
    if packed[:1] not in (b"", b"x"):
        return True
    try:
        zlib.decompress(packed)
    except zlib.error:
        return False
    return True
