namespace Sluice.Tests.RandomGraphs;

internal enum PaceKind
{
    Delay,
    Burst,
    Smooth,
}

/// <summary>The operators that pass everything on, in order, only later: Delay and Throttle.</summary>
/// <remarks>Where the clock is not virtual, a stage that does nothing stands for them: they would take time.</remarks>
internal sealed record PaceStep(int Id, int? Buffer, PaceKind Kind, int Milliseconds, int Items) : ObservedStep<long>(Id, Buffer)
{
    private TimeSpan Time => TimeSpan.FromMilliseconds(Milliseconds);

    private TimeSpan Distance => new((Time.Ticks + Items - 1) / Items);

    public override string Name => $"{Kind}-{Id}".ToLowerInvariant();

    protected override bool EndsItems => false;

    protected override string Details => $" {Items} per {Milliseconds} ms";

    protected override Source<long> Apply(Source<long> source, Rig rig) => Kind switch
    {
        _ when rig.Clock is null => source.Skip(0),
        PaceKind.Delay => source.Delay(Time, maxHeld: Items),
        _ => source.Throttle(Items, Time, smooth: Kind == PaceKind.Smooth),
    };

    protected override long Sum(long output, int n) => output;

    protected override string? Wrong(Observation<long> seen)
    {
        if (!seen.Out.Select(output => output.Value).SequenceEqual(seen.Arrivals.Take(seen.Out.Count)))
            return "what came out is not what came in";
        if (seen.IsWhole && seen.Out.Count < seen.In.Count) return $"{seen.In.Count - seen.Out.Count} items did not come out";
        if (!seen.HasClock) return null;
        for (int i = 0; i < seen.Out.Count; i++)
        {
            TimeSpan earliest = Earliest(seen, i), at = seen.Out[i].Begun;
            if (seen.IsExact ? at != earliest : at < earliest && HasEarliest) return $"item {i} came out at {at}, not at {earliest}";
        }
        return Kind == PaceKind.Delay ? Held(seen) : null;
    }

    /// <summary>Whether there is an earliest time also where what follows makes it wait: a smooth throttle makes up for that, and a buffer
    /// evens it out.</summary>
    private bool HasEarliest => Kind == PaceKind.Delay || (Kind == PaceKind.Burst && Buffer is null);

    private TimeSpan Earliest(Observation<long> seen, int i)
    {
        TimeSpan came = seen.In[i].Begun;
        if (Kind == PaceKind.Delay) return came + Time;
        int before = Kind == PaceKind.Burst ? i - Items : i - 1;
        if (before < 0) return came;
        TimeSpan next = seen.Out[before].Begun + (Kind == PaceKind.Burst ? Time : Distance);
        return next > came ? next : came;
    }

    /// <summary>An item is let in when there is a place for it. What has come out, one more than fits, may rest in the buffer in front of
    /// the tap.</summary>
    private string? Held(Observation<long> seen)
    {
        int most = Items + (Buffer + 1 ?? 0);
        for (int i = most; i < seen.In.Count; i++)
        {
            if (seen.In[i].Ended is { } entered && (seen.Out.Count <= i - most || seen.Out[i - most].Begun > entered))
                return $"more than {Items} items were held when item {i} was let in";
        }
        return null;
    }
}
