namespace Sluice.Delivery;

/// <summary>Wakes the pump that hands out items, when something changes that it looks at: room, pauses, partitions.</summary>
/// <remarks>Thread-safe, without locks. The pump reads <see cref="Version"/> before it looks, and again before it sleeps.</remarks>
internal sealed class PumpSignal
{
    private volatile bool isLeasing;
    private int version;

    /// <summary>Wakes the pump. Set by the pump when it is made.</summary>
    public Action? Wake { get; set; }

    /// <summary>Counts the changes.</summary>
    public int Version => Volatile.Read(ref version);

    /// <summary>Whether the pump may lease entries. A write wakes the pump.</summary>
    public bool IsLeasing
    {
        get => isLeasing;
        set
        {
            isLeasing = value;
            Changed();
        }
    }

    /// <summary>Counts a change and wakes the pump.</summary>
    public void Changed()
    {
        Interlocked.Increment(ref version);
        Wake?.Invoke();
    }
}
