namespace Sluice.Tests.RandomGraphs;

/// <summary>Chunk, with any combination of its limits: count, weight, time and last item.</summary>
/// <param name="Within">The time limit in milliseconds.</param>
/// <param name="Until">About one of this many items ends a chunk.</param>
internal sealed record ChunkStep(int Id, int? Buffer, int? Count, int? Within, int? MaxWeight, int? Until)
    : ObservedStep<long[]>(Id, Buffer)
{
    private const int Heaviest = 4;

    public override string Name => $"chunk-{Id}";

    protected override string Details
        => $"{(Count is { } count ? $" of {count}" : "")}{(Within is { } time ? $" within {time} ms" : "")}{(MaxWeight is { } weight ? $" up to weight {weight}" : "")}{(Until is { } every ? $" until 1 of {every}" : "")}";

    protected override Source<long[]> Apply(Source<long> source, Rig rig) => source.Chunk(
        Count, Within is { } time ? TimeSpan.FromMilliseconds(time) : null, MaxWeight is null ? null : Weight, MaxWeight, Until is null
            ? null : IsLast);

    protected override long Sum(long[] output, int n) => Mixing.MixAll(output, Id);

    protected override string? Wrong(Observation<long[]> seen)
    {
        int at = 0;
        foreach (Passage<long[]> chunk in seen.Out)
        {
            if (chunk.Value.Length == 0) return "an empty chunk";
            var items = seen.In.Skip(at).Take(chunk.Value.Length).ToList();
            if (!items.Select(item => item.Value).SequenceEqual(chunk.Value))
                return $"what came out is not what came in, from item {at} on";
            at += items.Count;
            if (Cut(seen, chunk, items, seen.In.ElementAtOrDefault(at)) is { } wrong) return $"the chunk up to item {at - 1}: {wrong}";
        }
        return seen.IsWhole && at < seen.In.Count ? $"{seen.In.Count - at} items did not come out" : null;
    }

    public override IEnumerable<Step> Simpler()
    {
        foreach (Step simpler in base.Simpler()) yield return simpler;
        ChunkStep[] fewer = [this with { Count = null }, this with { Within = null }, this with { MaxWeight = null },
            this with { Until = null }];
        foreach (ChunkStep step in fewer)
            if (step != this && step is not { Count: null, Within: null, MaxWeight: null, Until: null }) yield return step;
    }

    /// <summary>Checks that the chunk had to end there, and not before.</summary>
    private string? Cut(Observation<long[]> seen, Passage<long[]> chunk, List<Passage<long>> items, Passage<long>? next)
    {
        int full = Enumerable.Range(1, items.Count).FirstOrDefault(count => IsFull(items.Take(count).ToList()));
        if (full > 0 && full < items.Count) return $"it was full with {full} items";
        if (items.Count > 1 && items.Sum(item => Weight(item.Value)) > MaxWeight) return "it is too heavy";
        TimeSpan? due = Within is { } time ? items[0].Begun + TimeSpan.FromMilliseconds(time) : null;
        if (seen.IsExact && items.Exists(item => item.Begun > due)) return "its first item was held for too long";
        bool isTooHeavy = next is not null && items.Sum(item => Weight(item.Value)) + Weight(next.Value) > MaxWeight;
        TimeSpan?[] reasons =
        [
            full == items.Count ? items[^1].Begun : null,
            isTooHeavy && !(next!.Begun > due) ? next.Begun : null,
            due is not null && (!seen.IsExact || next is null || next.Begun >= due) ? due : null,
            next is null && !(seen.End > due) ? seen.End : null,
        ];
        if (reasons.All(reason => reason is null)) return "there was no reason to cut it";
        return seen.IsExact && !reasons.Contains(chunk.Begun)
            ? $"it came out at {chunk.Begun}, instead of {string.Join(" or ", reasons.OfType<TimeSpan>())}" : null;
    }

    private bool IsFull(List<Passage<long>> items)
        => items.Count == Count || items.Sum(item => Weight(item.Value)) >= MaxWeight || (Until is not null && IsLast(items[^1].Value));

    private long Weight(long value) => Mixing.Roll(value, Id, Heaviest + 1);

    private bool IsLast(long value) => Mixing.Roll(value, ~Id, Until!.Value) == 0;
}
