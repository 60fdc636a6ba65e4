using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Sluice;

/// <summary>Keeps items where no store is that would outlive the process: their payload is a number, by which they are found again.</summary>
internal sealed class HandleSerializer<T> : IPayloadSerializer<T>
{
    [ThreadStatic] private static (string Id, PartFailure Failures)? known;

    private readonly ConcurrentDictionary<long, Kept> items = new();
    private long last;

    /// <summary>What is serialized inside has this id, and has failed like this already.</summary>
    public static Task? With(string id, PartFailure failures, Func<(Task? Added, Task Room)> add, out Task room)
    {
        known = (id, failures);
        try
        {
            (Task? added, room) = add();
            return added;
        }
        finally
        {
            known = null;
        }
    }

    /// <summary>The id that an item had before it was stored, and, once, how it failed then.</summary>
    public (string? Id, PartFailure? Failures) Past(ReadOnlySpan<byte> payload)
    {
        Kept kept = items[BinaryPrimitives.ReadInt64LittleEndian(payload)];
        return (kept.Id, Interlocked.Exchange(ref kept.Failures, null));
    }

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        long handle = Interlocked.Increment(ref last);
        items[handle] = new(value, known?.Id) { Failures = known?.Failures };
        BinaryPrimitives.WriteInt64LittleEndian(to.GetSpan(sizeof(long)), handle);
        to.Advance(sizeof(long));
    }

    public T Deserialize(ReadOnlySpan<byte> payload) => items[BinaryPrimitives.ReadInt64LittleEndian(payload)].Item;

    private sealed class Kept(T item, string? id)
    {
        public PartFailure? Failures;

        public T Item => item;

        public string? Id => id;
    }
}
