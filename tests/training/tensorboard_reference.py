"""Reads an event file with code of its own: frames, checksums, messages. Prints step, tag, value."""

import struct
import sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def fields(data):
    """(number, wire type, value) of a Protocol Buffers message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            size = varint()
            value = data[at : at + size]
            at += size
        else:
            size = {1: 8, 5: 4}[kind]
            value = struct.unpack({1: "<d", 5: "<f"}[kind], data[at : at + size])[0]
            at += size
        yield key >> 3, kind, value


data = open(sys.argv[1], "rb").read()
at = 0
with open(sys.argv[2], "w") as out:
    while at < len(data):
        (size,) = struct.unpack("<Q", data[at : at + 8])
        assert struct.unpack("<I", data[at + 8 : at + 12])[0] == masked_crc(data[at : at + 8])
        message = data[at + 12 : at + 12 + size]
        assert struct.unpack("<I", data[at + 12 + size : at + 16 + size])[0] == masked_crc(message)
        at += 16 + size
        event = {number: value for number, _, value in fields(message)}
        assert event[1] > 1.6e9, "wall time"
        step = event.get(2, 0)
        if 3 in event:
            print("version", event[3].decode(), file=out)
        if 7 in event:
            print("session", step, dict((n, v) for n, _, v in fields(event[7])), file=out)
        for _, _, value in fields(event.get(5, b"")):
            parts = {number: content for number, _, content in fields(value)}
            print(step, parts[1].decode(), parts[2], file=out)
