using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>Counts the items that were handed to the pipeline and are not committed or given up, and tells when there are none.</summary>
/// <remarks>Thread-safe, without locks: both counts are interlocked.</remarks>
internal sealed class ItemsInFlight(ItemLedger ledger, PumpSignal pump)
{
    private int count;
    private long ended;

    /// <summary>The items in flight.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>How many items were committed or given up since the start.</summary>
    public long Ended => Interlocked.Read(ref ended);

    /// <summary>Set when no item is in flight any more. A stop waits for it.</summary>
    public Signal Quiet { get; } = new();

    /// <summary>Set when no item is in flight any more. The recovery of a store loss waits for it: a signal wakes one waiter.</summary>
    public Signal Emptied { get; } = new();

    /// <summary>Items are handed to the pipeline.</summary>
    public void Begin(int items) => Interlocked.Add(ref count, items);

    /// <summary>Leased items are about to be handed to the pipeline.</summary>
    /// <returns>False if a stop has begun: they are not handed over, and go back with their partition.</returns>
    public bool TryBegin(int items)
    {
        Begin(items);                                // before the look: a stop counts after it has said that it stops
        if (!pump.IsStopping) return true;
        Undo(items);
        return false;
    }

    /// <summary>Items that were begun are not handed to the pipeline after all.</summary>
    public void Undo(int items)
    {
        if (Interlocked.Add(ref count, -items) != 0) return;
        Quiet.Set();
        Emptied.Set();
    }

    /// <summary>Items are committed or given up.</summary>
    public void End(int items)
    {
        Interlocked.Add(ref ended, items);
        if (Interlocked.Add(ref count, -items) == 0)
        {
            Quiet.Set();
            Emptied.Set();
            ledger.Touch();
        }
        pump.Changed();
    }
}
