namespace Sluice.Delivery;

/// <summary>The batch that an entry belongs to, stored in its headers with the consecutors whose listeners are called at the end. Entries
/// that come of the entry belong to the batch as well.</summary>
/// <param name="Consecutor">The consecutor that the batch was sent to.</param>
/// <param name="Name">The name of the batch at that consecutor.</param>
internal sealed record BatchTag(string Consecutor, string Name)
{
    private byte[]? headers;

    /// <summary>The consecutors that are told of its end.</summary>
    public IReadOnlyList<string> Listeners { get; init; } = [];

    /// <summary>The name of the counter of the batch in the store.</summary>
    public string Counter => CounterOf(Consecutor, Name);

    /// <summary>The headers of an entry that belongs to the batch and needs no other headers.</summary>
    public byte[] Headers => headers ??= new EntryHeaders(null, null) { Batch = this }.ToBytes();

    public static string CounterOf(string consecutor, string name) => $"{consecutor}/{name}";

    /// <summary>Returns the tag with further listeners.</summary>
    public BatchTag With(IReadOnlyList<string> listeners) => listeners.All(one => Listeners.Contains(one)) ? this
        : new(Consecutor, Name) { Listeners = [.. Listeners.Union(listeners, StringComparer.Ordinal)] };

    /// <summary>Makes a change of the counter that adds nothing yet.</summary>
    public BatchChange Change() => new(Counter)
    {
        MarkerStreams = Listeners,
        MarkerHeaders = new EntryHeaders(null, null) { EndOf = new BatchTag(Consecutor, Name) }.ToBytes(),
    };
}
