namespace Sluice.Tests.RandomGraphs;

internal enum PaceKind
{
    Delay,
    Burst,
    Smooth,
}

/// <summary>Delay and Throttle: they emit every item in order, but later.</summary>
/// <remarks>Without a virtual clock they would take real time, so a stage that does nothing replaces them.</remarks>
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

    /// <summary>Whether an output has an earliest time even if the next stage makes the operator wait. A smooth throttle makes up for
    /// the wait, and a buffer hides it.</summary>
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

    /// <summary>Checks that the operator takes an item only if it has room. The buffer in front of the tap may hold outputs, one more
    /// than its capacity.</summary>
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
