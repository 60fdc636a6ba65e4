"""What is inside annotated types: the type behind a name, and the members of records."""

from __future__ import annotations

import dataclasses
import enum
import sys
import types
import typing
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Set

from ._names import Names, is_model, json_name


class Member(NamedTuple):
    """A member of a record."""

    name: str
    json: str
    hint: Any
    is_required: bool


_MAX_NAMES = 100                                    # of one type: `type A = A` has no end


def is_alias(kind: Any) -> bool:
    """Whether it is a name that ``type X = …`` of Python 3.12, or TypeAliasType of typing_extensions, has given to a type."""
    return type(typing.get_origin(kind) or kind).__name__ == "TypeAliasType"


def value_of(alias: Any) -> Any:
    """The type behind such a name, with its arguments. Evaluated late: it may have itself as a part."""
    name = typing.get_origin(alias) or alias
    value, known = name.__value__, vars(sys.modules.get(name.__module__, types))
    try:                                            # before Python 3.12, parts that are not defined yet are written as texts
        value = typing.get_type_hints(types.SimpleNamespace(__annotations__={"value": value}), known, {name.__name__: name},
                                      include_extras=True)["value"]
    except Exception:                               # names that only type checkers know
        pass
    return _substituted(value, dict(zip(name.__type_params__, typing.get_args(alias))))


def unwrapped(kind: Any) -> Any:
    """The type behind Annotated[…], NewType and ``type X = …``."""
    for _ in range(_MAX_NAMES):
        if hasattr(kind, "__metadata__"):
            kind = kind.__origin__
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        elif is_alias(kind):
            kind = value_of(kind)
        else:
            break
    return kind


def plain_of(member: Any) -> Any:
    """The plain value of a member of an Enum, as JSON has it; other values as they are."""
    return member.value if isinstance(member, enum.Enum) else member


def is_union(kind: Any) -> bool:
    """Whether it is Union[…], Optional[…], or X | Y of Python 3.10."""
    origin = typing.get_origin(kind)
    return origin is typing.Union or (sys.version_info >= (3, 10) and origin is types.UnionType)


def options_of(kind: Any) -> List[Any]:
    """The types of a union, without None; otherwise the type itself."""
    if not is_union(kind):
        return [kind]
    return [one for one in typing.get_args(kind) if one is not type(None)] or [type(None)]


def is_record(kind: type) -> bool:
    """Whether it is a dataclass, a NamedTuple or a TypedDict."""
    return dataclasses.is_dataclass(kind) or issubclass(kind, tuple) and hasattr(kind, "_fields") \
        or issubclass(kind, dict) and hasattr(kind, "__total__")


def members_of(kind: Any, names: Names) -> Optional[List[Member]]:
    """The members of a dataclass, a NamedTuple or a TypedDict, also of one with arguments; None for other types."""
    base = typing.get_origin(kind) or kind
    members = _members_of(base, names)
    if members is None or not hasattr(base, "__parameters__"):
        return members
    known = _variables_of(base, dict(zip(base.__parameters__, typing.get_args(kind))))
    return [one._replace(hint=_substituted(one.hint, known.get(_owner_of(base, one.name), {}))) for one in members]


def _variables_of(kind: Any, own: Mapping[Any, Any]) -> Dict[Any, Mapping[Any, Any]]:
    """What the type variables of a generic class and of its bases stand for, by class: each class has its own."""
    found: Dict[Any, Mapping[Any, Any]] = {kind: own}
    for base in vars(kind).get("__orig_bases__", kind.__bases__):
        origin = typing.get_origin(base) or base
        if hasattr(origin, "__parameters__") and origin is not typing.Generic:
            arguments = [_substituted(one, own) for one in typing.get_args(base)]
            found.update(_variables_of(origin, dict(zip(origin.__parameters__, arguments))))
    return found


def _owner_of(kind: Any, name: str) -> Any:
    """The class that annotates a member."""
    for one in kind.__mro__:
        try:
            if name in (vars(one).get("__annotations__") or (one.__annotations__ if sys.version_info >= (3, 14) else ())):
                return one
        except NameError:                           # names that only type checkers know
            break
    return kind


def _substituted(hint: Any, known: Mapping[Any, Any]) -> Any:
    """A type with other types in the place of its type variables."""
    if isinstance(hint, typing.TypeVar):
        return known.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) and typing.get_origin(hint) is None or not isinstance(parameters, tuple) or not parameters:
        return hint                                 # a generic class without arguments has parameters of its own
    return hint[tuple(known.get(one, one) for one in parameters)]


def _members_of(kind: type, names: Names) -> Optional[List[Member]]:
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return [Member(field.name, json_name(field, names), hints[field.name],
                       field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
                for field in dataclasses.fields(kind) if field.init]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints, defaults = typing.get_type_hints(kind), getattr(kind, "_field_defaults", {})
        return [Member(name, names(name), hints.get(name, Any), name not in defaults) for name in kind._fields]
    if issubclass(kind, dict) and hasattr(kind, "__total__"):
        hints = typing.get_type_hints(kind)
        required = getattr(kind, "__required_keys__", frozenset(hints))
        return [Member(name, name, hint, name in required) for name, hint in hints.items()]
    return None


def names_of(kind: Any, names: Names) -> Optional[FrozenSet[str]]:
    """The names in JSON of the members of a record or a model of pydantic; None for other types, and if they are not known."""
    base = typing.get_origin(kind) or kind
    if not isinstance(base, type):
        return None
    if is_model(base):
        fields = model_fields(base)
        are_known = fields and not is_root(base) and all(field.has_names for field in fields)
        return frozenset(name for field in fields for name in field.names) if are_known else None
    members = members_of(base, names)
    return None if members is None else frozenset(one.json for one in members)


class ModelField(NamedTuple):
    """A field of a model of pydantic, or of a record inside of one."""

    names: List[str]
    """The names by which it is read; only the first ones by default."""
    hint: Any
    is_bare: bool
    """Whether pydantic is the first to look at its value: no validator, and no type that decodes a text by itself."""
    has_names: bool = True
    """Whether it has no other aliases than names."""
    aliases: int = 1
    """How many of the names are read by default."""


_LATER = ("AfterValidator", "Tag", "Discriminator")


def is_bare(metadata: Any) -> bool:
    """Whether pydantic is the first to look at a value with these annotations, and itself decodes nothing."""
    return not any(hasattr(one, "encoder") or hasattr(one, "__get_pydantic_core_schema__") and type(one).__name__ not in _LATER
                   for one in metadata)


def is_root(kind: Any) -> bool:
    """Whether it is a model that is read from its only value, and not from an object with members."""
    if hasattr(kind, "model_validate"):
        return getattr(kind, "__pydantic_root_model__", False) is True
    return "__root__" in (getattr(kind, "__fields__", None) or ())


def fields_of(kind: Any) -> Optional[List[ModelField]]:
    """The fields of a model, or of a record, as pydantic reads them; None for other types, or if they cannot be found out."""
    if is_model(kind):
        return model_fields(kind)
    if not is_record(kind):
        return None
    if isinstance(getattr(kind, "__pydantic_fields__", None), Mapping):
        return model_fields(kind)
    try:
        return [ModelField([name], hint, True) for name, hint in typing.get_type_hints(kind, include_extras=True).items()]
    except Exception:                               # names that only type checkers know
        return None


def _validated_first(kind: Any) -> Set[str]:
    """The fields of a model whose values a validator sees before pydantic 2 does; * is each."""
    decorators = getattr(kind, "__pydantic_decorators__", None)
    return {name for group in ("field_validators", "validators") for one in (getattr(decorators, group, None) or {}).values()
            if one.info.mode != "after" for name in one.info.fields}


def _alias_names(alias: Any) -> List[str]:
    """The names of an alias: a text, each of AliasChoices, and an AliasPath of one step. A path of several steps has none."""
    if isinstance(alias, str):
        return [alias]
    path = getattr(alias, "path", None) or ()
    return [name for one in getattr(alias, "choices", None) or (path if len(path) == 1 else ()) for name in _alias_names(one)]


def model_fields(kind: Any) -> List[ModelField]:
    """The fields of a model of pydantic, 1 or 2; empty for something else with the same methods."""
    if getattr(kind, "__pydantic_complete__", True) is False and hasattr(kind, "model_rebuild"):
        kind.model_rebuild(raise_errors=False)      # names of types that are defined behind it
    names = ("model_fields", "__fields__", "__pydantic_fields__")
    fields = next((found for found in (getattr(kind, name, None) for name in names) if found), None)
    if not isinstance(fields, Mapping):
        return []
    found, first = [], _validated_first(kind)
    for name, field in fields.items():
        aliases = [getattr(field, one, None) for one in ("validation_alias", "alias")]
        bare = is_bare(getattr(field, "metadata", None) or ()) and not first & {name, "*"}
        bare = bare and not any(one.pre for one in (getattr(field, "class_validators", None) or {}).values())      # of pydantic 1
        all_names = [*_alias_names(aliases[0]), *_alias_names(aliases[1]), name]
        found.append(ModelField(list(dict.fromkeys(all_names)),
                                getattr(field, "outer_type_", None) or getattr(field, "annotation", Any), bare,
                                all(one is None or isinstance(one, str) for one in aliases),
                                1 if aliases[0] is None else len(set(_alias_names(aliases[0])))))
    return found
