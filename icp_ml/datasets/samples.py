"""The sample data: find the committed copy, or write it anew with `python -m icp_ml.datasets.samples OUT`."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import pandas as pd

from icp_ml.datasets.companies import make_world
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list
from icp_ml.exceptions import InputError

SAMPLE_CUSTOMERS, SAMPLE_MARKET, SAMPLE_SEED = 1200, 20_000, 0
SAMPLE_NAMES = ("customers.csv", "market.csv", "truth.json")


def write_samples(folder: str | Path) -> tuple[Path, ...]:
    """Write customers.csv, market.csv and truth.json, the same bytes every time.

    Parameters
    ----------
    folder : str or Path
        Made where it does not exist.

    Returns
    -------
    tuple of Path
        The three files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(SAMPLE_CUSTOMERS, SAMPLE_MARKET, seed=SAMPLE_SEED)
    paths = tuple(folder / name for name in SAMPLE_NAMES)
    _write_csv(as_crm_export(world.customers), paths[0])
    _write_csv(as_purchased_list(world.market), paths[1])
    truth = json.dumps(world.truth.to_dict(), indent=2, ensure_ascii=False)
    paths[2].write_text(truth + "\n", encoding="utf-8", newline="\n")
    return paths


def sample_path(name: str) -> Path:
    """Return where a committed sample file lies, in a checkout or an installed package.

    Parameters
    ----------
    name : str
        "customers.csv", "market.csv" or "truth.json".

    Raises
    ------
    InputError
        There is no such sample, or the installation lacks it.
    """
    if name not in SAMPLE_NAMES:
        msg = f"no sample file is called {name!r}; there are {', '.join(SAMPLE_NAMES)}"
        raise InputError(msg)
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "data_samples", package.parent / "data_samples"):
        if (folder / name).is_file():
            return folder / name
    msg = f"the sample file {name} is not installed; write it with  python -m icp_ml.datasets.samples data_samples"
    raise InputError(msg)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.columns)
        writer.writerows(frame.itertuples(index=False, name=None))


def _main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample data.")
    parser.add_argument("out", type=Path, help="folder to write into")
    for path in write_samples(parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    _main()
