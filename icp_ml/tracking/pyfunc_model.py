"""The only script a logged model carries: it reads the model directory, which holds data and no code, and scores."""

from __future__ import annotations

from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.tracking.missing_texts import with_gaps


class ICPPythonModel(PythonModel):
    """Scores a DataFrame of accounts as `ICPModel.score` does."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model directory."""
        self.model = ICPModel.load(context.artifacts["model"])

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the row-level scored columns, in the rows' order and with their index.

        Parameters
        ----------
        model_input : DataFrame of shape (n, any)
        params : dict, optional
            `reasons` (0 to 20) and `lookalikes` (0 to 3) per account.
        """
        if not len(model_input.columns):
            fields = ", ".join(list(self.model.fields)[:5])
            msg = f"none of the columns is a field of the model; name them as its signature does ({fields}, ...)"
            raise InputError(msg)
        given = params or {}
        reasons, lookalikes = (
            _whole("reasons", given.get("reasons"), 20),
            _whole("lookalikes", given.get("lookalikes"), 3),
        )
        return with_gaps(self.model.score(model_input, reasons=reasons, lookalikes=lookalikes))


def _whole(name: str, value: Any, most: int) -> int | None:
    if value is not None and not 0 <= int(value) <= most:
        msg = f"params: {name} = {value!r}: allowed are 0 to {most}"
        raise InputError(msg)
    return None if value is None else int(value)


mlflow.models.set_model(ICPPythonModel())
