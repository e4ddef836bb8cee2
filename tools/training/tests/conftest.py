"""What tests share: the folder of real data beside the repository, where there is one."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("FACEDET_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "models").exists():
        pytest.skip(f"no shared data at {folder} (set FACEDET_SHARED)")
    return folder
