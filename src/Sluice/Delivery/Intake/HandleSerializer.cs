using System.Buffers;
using System.Collections.Concurrent;

namespace Sluice.Delivery;

/// <summary>The in-memory serializer of a consecutor without a store: it keeps the item itself, and its payload is a handle.</summary>
internal sealed class HandleSerializer<T> : IPayloadSerializer<T>
{
    [ThreadStatic] private static (string Id, PartFailure Failures)? known;

    private readonly ConcurrentDictionary<long, Kept> items = new();
    private long last;

    /// <summary>Runs a call whose serialized items have this id and these earlier failures.</summary>
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

    /// <summary>Returns the id that an item had before it was stored, and, the first time only, its earlier failures.</summary>
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
