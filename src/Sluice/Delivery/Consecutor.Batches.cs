namespace Sluice;

public sealed partial class Consecutor<T>
{
    private const int MaxOfBatch = 100;

    /// <summary>Opens a batch, or goes on with one that is open: what is sent by it belongs together. May be called before the start, when outputs are wired.</summary>
    /// <param name="name">Its name, 1 to 100 characters. Use a name once: it is what the end of the batch is told by. A batch that was closed before takes no items; it can only be closed again.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    /// <exception cref="InvalidOperationException">The consecutor has no store, or has ended.</exception>
    public async Task<ConsecutorBatch<T>> OpenBatchAsync(string name, CancellationToken cancellation = default)
    {
        StreamNames.Check(name, nameof(name), MaxOfBatch);
        StreamNames.Check(BatchTag.CounterOf(Name, name), nameof(name), StreamNames.MaxLength);
        if (ownsStore) throw new InvalidOperationException($"The consecutor {Name} has no store, which is what counts the items of a batch. Give it one (ConsecutorOptions.Store); a MemoryStreamStore will do.");
        ThrowIfEnded();
        HashSet<ConsecutorCore> behind = OutputGraph.Behind(core);
        ConsecutorCore[] listeners = [.. behind.Append(core).Distinct().Where(other => other.Options.OnBatchCompleted is not null).OrderBy(other => other.Name, StringComparer.Ordinal)];
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        foreach (ConsecutorCore listener in listeners) await listener.OpenStreamAsync(cancellation).ConfigureAwait(false);
        var tag = new BatchTag(Name, name) { Listeners = [.. listeners.Select(listener => listener.Name)] };
        return new(this, tag, await ConsecutorBatch<T>.WasClosedAsync(core, tag, cancellation).ConfigureAwait(false));
    }
}
