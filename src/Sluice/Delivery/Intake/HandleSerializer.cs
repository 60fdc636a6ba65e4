using System.Buffers;
using System.Collections.Concurrent;

namespace Sluice.Delivery;

/// <summary>The in-memory serializer of a consecutor without a store: it keeps the item itself, and its payload is a handle. When no entry
/// and no letter of the store has the handle any more, the item is freed.</summary>
/// <remarks>Thread-safe. A handle is random, so that the payload of another type is no handle.</remarks>
internal sealed class HandleSerializer<T> : IPayloadSerializer<T>, IPayloadHandles
{
    private const int Length = 16;

    [ThreadStatic] private static (string Id, PartFailure Failures)? known;

    private readonly ConcurrentDictionary<Guid, Kept> items = new();

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
        Kept kept = items[new(payload)];
        return (kept.Id, Interlocked.Exchange(ref kept.Failures, null));
    }

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        var handle = Guid.NewGuid();
        items[handle] = new(value, known?.Id) { Failures = known?.Failures };
        handle.TryWriteBytes(to.GetSpan(Length));
        to.Advance(Length);
    }

    public T Deserialize(ReadOnlySpan<byte> payload) => items[new(payload)].Item;

    public void Hold(ReadOnlySpan<byte> payload)
    {
        if (Find(payload, out _) is { } kept) kept.Holders++;
    }

    public void Free(ReadOnlySpan<byte> payload)
    {
        if (Find(payload, out Guid handle) is { } kept && --kept.Holders == 0) items.TryRemove(handle, out _);
    }

    private Kept? Find(ReadOnlySpan<byte> payload, out Guid handle)
    {
        handle = payload.Length == Length ? new(payload) : default;
        return items.GetValueOrDefault(handle);
    }

    private sealed class Kept(T item, string? id)
    {
        public PartFailure? Failures;

        public T Item => item;

        public string? Id => id;

        /// <summary>The entries and letters that have the handle; the first one when it is stored. Under the lock of the store.</summary>
        public int Holders { get; set; } = 1;
    }
}
