namespace Sluice.Processes;

/// <summary>
/// The kinds of frames of a worker, after its <see cref="Sluice.ChildProcesses.Hello"/>.
/// </summary>
internal enum FrameKind : byte
{
    /// <summary>To the worker: the number of an item, 8 bytes, and its payload.</summary>
    Item = 2,

    /// <summary>
    /// From the worker: the number of the item; whether a failed part was skipped, 1 byte; each result, as length (4 bytes) and payload.
    /// </summary>
    Done,

    /// <summary>
    /// From the worker: the number of the item; whether it must not be retried, 1 byte; node, exception type and message, as texts.
    /// </summary>
    Failed,

    /// <summary>From the worker, last: why no worker can do this work, a text.</summary>
    Refused,

    /// <summary>From the worker, last: why it ends, a text.</summary>
    Broken,

    /// <summary>
    /// To the worker: the number of an item, 8 bytes, its trace as headers of an entry (4 bytes of length before), and its payload. Only if
    /// the worker's <see cref="Sluice.ChildProcesses.Hello"/> says that it knows this.
    /// </summary>
    TracedItem,
}
