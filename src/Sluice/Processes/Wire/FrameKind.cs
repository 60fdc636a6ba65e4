namespace Sluice;

/// <summary>What a frame is. A frame is the length of what follows, four bytes, its kind, one byte, and what the kind says; numbers are little endian.</summary>
internal enum FrameKind : byte
{
    /// <summary>From the worker, first: 32 bytes of token; then the types of the body, each a text.</summary>
    Hello = 1,

    /// <summary>To the worker: the item's number, eight bytes, and its payload.</summary>
    Item,

    /// <summary>From the worker: the item's number; whether a part of it was skipped for a failure, one byte; then each result, as its length, four bytes, and its payload.</summary>
    Done,

    /// <summary>From the worker: the item's number; whether it is not to be tried again, one byte; node, type of the exception and message, each a text.</summary>
    Failed,

    /// <summary>From the worker, last: why it cannot go on, a text. Another one could not either.</summary>
    Refused,

    /// <summary>From the worker, last: why it ends, a text.</summary>
    Broken,
}
