"""Names in models of pydantic, and names of types: aliases of fields, NamedTuples, and ``type X = …``."""

import dataclasses
import datetime as dt
import pathlib
import sys
import typing
from decimal import Decimal
from typing import Annotated, Any, Dict, List, NamedTuple, Optional, Tuple, Union

import pytest

from records import CODEC
from sluice import PayloadError

pydantic = pytest.importorskip("pydantic")
needs_2 = pytest.mark.skipif(pydantic.VERSION.startswith("1."), reason="pydantic 1 has none of it")


@needs_2
def test_a_field_is_prepared_under_each_of_its_names():
    class Order(pydantic.BaseModel):
        data: bytes = pydantic.Field(validation_alias=pydantic.AliasChoices("Data", "data2", pydantic.AliasPath("data3")))
        price: Decimal = pydantic.Field(validation_alias=pydantic.AliasPath("Price"))
        span: dt.timedelta = pydantic.Field(validation_alias=pydantic.AliasChoices(pydantic.AliasPath("Spans", 0), "other"))
        other: str = pydantic.Field(alias="Other")

    class Made(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(alias_generator=pydantic.AliasGenerator(
            validation_alias=lambda name: pydantic.AliasChoices(name.title(), name.upper())))
        data: bytes

    price, data = Decimal("12345678901234567.891234"), b"\0\xff"
    for name in ("Data", "data2", "data3"):
        read = CODEC.reader(Order)(f'{{"{name}":"AP8=","Price":{price},"other":"1.02:00:00","Other":"AP8="}}'.encode())
        assert (read.data, read.price, read.span, read.other) == (data, price, dt.timedelta(days=1, hours=2), "AP8=")
    assert CODEC.reader(Made)(b'{"DATA":"AP8="}').data == CODEC.reader(Made)(b'{"Data":"AP8="}').data == data


@needs_2
def test_a_name_of_a_type_is_read_as_the_type():
    extensions = pytest.importorskip("typing_extensions")
    T = typing.TypeVar("T")
    Ids = extensions.TypeAliasType("Ids", List[int])
    Pages = extensions.TypeAliasType("Pages", Dict[str, T], type_params=(T,))
    Tree = extensions.TypeAliasType("Tree", Union[List["Tree"], bytes])

    class Whole(pydantic.BaseModel):
        ids: Ids
        pages: Pages[bytes]
        tree: Tree

    Whole.model_rebuild(_types_namespace={"Tree": Tree})
    assert CODEC.reader(Ids)(b"[1,2]") == CODEC.reader(Optional[Ids])(b"[1,2]") == [1, 2]
    assert CODEC.reader(Pages[Decimal])(b'{"a":0.10}') == {"a": Decimal("0.10")}
    read = CODEC.reader(Whole)(b'{"ids":[1],"pages":{"a":"AP8="},"tree":[["AP8="],"AA=="]}')
    assert (read.ids, read.pages, read.tree) == ([1], {"a": b"\0\xff"}, [[b"\0\xff"], b"\0"])
    with pytest.raises(PayloadError, match="expected an integer"):
        CODEC.reader(Ids)(b'["a"]')


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type X = … is of Python 3.12")
def test_type_statements_are_read():
    names: Dict[str, Any] = {}
    exec("type Tree = dict[str, Tree] | int\ntype Pair[A, B] = tuple[B, A]\ntype Endless = Endless", names)
    assert CODEC.reader(names["Tree"])(b'{"a":{"b":1}}') == {"a": {"b": 1}}
    assert CODEC.reader(names["Pair"][int, str])(b'["a",1]') == ("a", 1)
    with pytest.raises(TypeError, match="is no type that a payload can be read as"):
        CODEC.reader(names["Endless"])
