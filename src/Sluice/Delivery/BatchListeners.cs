namespace Sluice.Delivery;

/// <summary>
/// The consecutors that are told of the end of a batch whose items come here: this one and those behind its outputs, if they have an
/// <see cref="ConsecutorOptions.OnBatchCompleted"/>.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class BatchListeners(ConsecutorCore core)
{
    private volatile Known known = new(-1, [], []);

    /// <summary>The listeners by name.</summary>
    public ConsecutorCore[] All => Present.Listeners;

    /// <summary>
    /// Reads the headers of an entry. Its batch gets the listeners that it does not know: an earlier version of the program, without them,
    /// may have sent it.
    /// </summary>
    public EntryHeaders HeadersOf(in Entry entry)
    {
        if (entry.Headers.IsEmpty) return default;
        EntryHeaders headers = EntryHeaders.Read(entry.Headers.Span);
        return headers.Batch is { } batch ? headers with { Batch = batch.With(Present.Names) } : headers;
    }

    private Known Present
    {
        get
        {
            Known last = known;
            return last.Version == OutputGraph.Version ? last : known = Find();
        }
    }

    private Known Find()
    {
        int version = OutputGraph.Version;
        ConsecutorCore[] listeners = [.. OutputGraph.Behind(core).Append(core).Distinct()
            .Where(static other => other.Options.OnBatchCompleted is not null).OrderBy(static other => other.Name, StringComparer.Ordinal)];
        return new(version, listeners, Array.ConvertAll(listeners, static listener => listener.Name));
    }

    private sealed record Known(int Version, ConsecutorCore[] Listeners, string[] Names);
}
