namespace Sluice.Delivery;

/// <summary>One half of a list that was divided: the payload and headers of an entry that is not written yet.</summary>
internal sealed record Half(byte[] Payload, byte[] Headers, BatchTag? Batch)
{
    public int Length => Payload.Length + Headers.Length;
}

/// <summary>The rest of a root that is not tried again: dead letters, and halves of lists that are divided.</summary>
/// <remarks>Immutable.</remarks>
internal sealed record BisectionResult(IReadOnlyList<DeadLetterWrite> Letters, IReadOnlyList<Half> Halves)
{
    /// <summary>No letter and no half.</summary>
    public static BisectionResult None { get; } = new([], []);

    /// <summary>Whether a part has failed that neither has a letter nor goes on as halves.</summary>
    public bool HasGivenUp { get; init; }

    /// <summary>Whether the root goes on as halves, and nothing else of it has failed.</summary>
    public bool IsDivided => Letters.Count == 0 && Halves.Count > 0 && !HasGivenUp;

    public int Count => Letters.Count + Halves.Count;

    /// <summary>The weight that it adds to <see cref="StoreCommit.Weight"/>.</summary>
    public int Weight => (StoreCommit.WeightOfRange * Letters.Count) + Halves.Count;

    /// <summary>The bytes of payloads and headers.</summary>
    public long Length => Letters.Sum(static letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L))
        + Halves.Sum(static half => (long)half.Length);
}
