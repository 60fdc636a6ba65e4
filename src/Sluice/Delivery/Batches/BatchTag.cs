namespace Sluice;

/// <summary>Which batch an entry belongs to; stored in its headers, together with where the end of the batch is told. What comes of the entry belongs to the batch as well.</summary>
/// <param name="Consecutor">The one that the batch was sent to.</param>
/// <param name="Name">The batch's name there.</param>
internal sealed record BatchTag(string Consecutor, string Name)
{
    private byte[]? headers;

    /// <summary>The consecutors that are told of its end.</summary>
    public IReadOnlyList<string> Listeners { get; init; } = [];

    /// <summary>What the store counts it by.</summary>
    public string Counter => CounterOf(Consecutor, Name);

    /// <summary>The headers of entries that belong to it and are nothing else in particular.</summary>
    public byte[] Headers => headers ??= new EntryHeaders(null, null) { Batch = this }.ToBytes();

    public static string CounterOf(string consecutor, string name) => $"{consecutor}/{name}";

    /// <summary>A change of its counter, which changes nothing yet.</summary>
    public BatchChange Change() => new(Counter)
    {
        MarkerStreams = Listeners,
        MarkerHeaders = new EntryHeaders(null, null) { EndOf = new BatchTag(Consecutor, Name) }.ToBytes(),
    };
}
