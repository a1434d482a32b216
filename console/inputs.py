"""What people type and choose on the pages, and the moments that their wall times mean."""

from datetime import datetime
from typing import Annotated

from fastapi import Form, Path
from pydantic import AfterValidator

from api.inputs import storable
from api.problem import Problem
from care.walltime import FIRST_DATE, LAST_DATE, resolve

Number = Annotated[int, Path(ge=1, lt=2**63)]
Words = Annotated[str, Form(max_length=2000)]
Kept = AfterValidator(storable)
WallTime = Annotated[str, Form(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})?$")]


def moment(wall: str, time_zone: str) -> datetime | None:
    """When the wall where somebody lives reads so; where it reads so twice, the first time; '' is None.

    Raises a 422 Problem when there is no such time.
    """
    if not wall:
        return None
    try:
        read = datetime.fromisoformat(wall)
        if not FIRST_DATE <= read.date() <= LAST_DATE:
            raise ValueError(wall)
    except ValueError:
        raise Problem(422, f"{wall} is no date and time.") from None
    return resolve(read.date(), read.time(), time_zone)[0]
