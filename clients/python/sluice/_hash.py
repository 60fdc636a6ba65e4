"""XXH64 with seed 0, by which both languages number the choosers of a processor that resumes from scratch."""

from __future__ import annotations

_M = (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def _rotl(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _M


def _round(accumulator: int, word: int) -> int:
    return _rotl((accumulator + word * _P2) & _M, 31) * _P1 & _M


def xxh64(data: bytes) -> int:
    at, length, hash_ = 0, len(data), _P5
    if length >= 32:
        lanes = [(_P1 + _P2) & _M, _P2, 0, -_P1 & _M]
        while length - at >= 32:
            for lane in range(4):
                lanes[lane] = _round(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
                at += 8
        hash_ = (_rotl(lanes[0], 1) + _rotl(lanes[1], 7) + _rotl(lanes[2], 12) + _rotl(lanes[3], 18)) & _M
        for lane in lanes:
            hash_ = ((hash_ ^ _round(0, lane)) * _P1 + _P4) & _M
    hash_ = (hash_ + length) & _M
    while length - at >= 8:
        hash_ = (_rotl(hash_ ^ _round(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4) & _M
        at += 8
    if length - at >= 4:
        hash_ = (_rotl(hash_ ^ (int.from_bytes(data[at : at + 4], "little") * _P1 & _M), 23) * _P2 + _P3) & _M
        at += 4
    for byte in data[at:]:
        hash_ = _rotl(hash_ ^ (byte * _P5 & _M), 11) * _P1 & _M
    hash_ = (hash_ ^ (hash_ >> 33)) * _P2 & _M
    hash_ = (hash_ ^ (hash_ >> 29)) * _P3 & _M
    return hash_ ^ (hash_ >> 32)


def chooser(streams: str, before: int) -> int:
    """The number of a chooser: the low 32 bits of the hash, signed."""
    low = xxh64(f"{streams} {before}".encode("utf-8")) & 0xFFFFFFFF
    return low - (1 << 32) if low >= 1 << 31 else low
