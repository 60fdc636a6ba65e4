using Sluice.Delivery;

namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int MaxOfBatch = 100;

    /// <summary>Opens a batch of items, or continues an open one. May be called before the start, once the outputs are wired.</summary>
    /// <param name="name">The name of the batch: 1 to 100 characters. Use each name once, because the end of the batch is reported under
    /// it. A closed batch takes no items; it can only be closed again.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    public async Task<ConsecutorBatch<T>> OpenBatchAsync(string name, CancellationToken cancellation = default)
    {
        StreamNames.Check(name, nameof(name), MaxOfBatch);
        StreamNames.Check(BatchTag.CounterOf(Name, name), nameof(name), StreamNames.MaxLength);
        if (ownsStore) throw new InvalidOperationException(
            $"The consecutor {Name} has no store, which is what counts the items of a batch. Give it one (ConsecutorOptions.Store); a "
                + $"MemoryStreamStore will do.");
        ThrowIfEnded();
        ConsecutorCore[] listeners = core.Listeners.All;
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        foreach (ConsecutorCore listener in listeners) await listener.Stream.OpenAsync(cancellation).ConfigureAwait(false);
        var tag = new BatchTag(Name, name) { Listeners = Array.ConvertAll(listeners, static listener => listener.Name) };
        return new(this, tag, await ConsecutorBatch<T>.WasClosedAsync(core.Store, tag, cancellation).ConfigureAwait(false));
    }
}
