namespace Sluice.Tests.RandomGraphs;

/// <summary>What came to an operator in one run, and what it put out, with the times. Made while the run is built.</summary>
internal sealed class Journal<T>(Rig rig, string name)
{
    public Tap<long> In { get; } = new(rig, $"in front of {name}");

    public Tap<T> Out { get; } = new(rig, $"behind {name}");

    /// <summary>After the run.</summary>
    /// <param name="isWhole">Whether it came to a normal end.</param>
    public Observation<T> Observe(bool isWhole) => new(In.Passages, Out.Passages, In.End, isWhole, rig.Clock is not null);
}

/// <summary>What an operator was seen to do.</summary>
/// <param name="In">What came.</param>
/// <param name="Out">What it put out.</param>
/// <param name="End">When its input ended, if it did.</param>
/// <param name="IsWhole">Whether the run came to a normal end: then everything has come out. Otherwise what has come out is the beginning
/// of it.</param>
/// <param name="HasClock">Whether the clock was a virtual one.</param>
internal sealed record Observation<T>(
    IReadOnlyList<Passage<long>> In, IReadOnlyList<Passage<T>> Out, TimeSpan? End, bool IsWhole, bool HasClock)
{
    /// <summary>
    /// Whether the times are exactly those at which the operator acted. Where what follows makes it wait, it lets items in later
    /// than they came; without a virtual clock there are no exact times at all.
    /// </summary>
    public bool IsExact { get; } = HasClock && Out.All(passage => passage.TookNoTime);

    public IReadOnlyList<long> Arrivals { get; } = [.. In.Select(passage => passage.Value)];

    /// <summary>When something comes out that is due then, or at the end of the input, whichever is earlier.</summary>
    public TimeSpan NoLaterThanEnd(TimeSpan due) => End is { } end && end < due ? end : due;

    /// <summary>Compares with what was to come out, in order; a run that was cut short may have put out less.</summary>
    public string? Differs<TKey>(IReadOnlyList<(TKey Value, TimeSpan At)> expected, Func<T, TKey> key)
    {
        for (int i = 0; i < Out.Count; i++)
        {
            if (i == expected.Count) return $"{key(Out[i].Value)} came out at {Out[i].Begun}, and nothing more was to come";
            TKey actual = key(Out[i].Value);
            if (!EqualityComparer<TKey>.Default.Equals(actual, expected[i].Value) || Out[i].Begun != expected[i].At)
                return $"{actual} came out at {Out[i].Begun} as number {i}; it should be {expected[i].Value} at {expected[i].At}";
        }
        return IsWhole && Out.Count < expected.Count ? $"{expected[Out.Count].Value} did not come out, at {expected[Out.Count].At}" : null;
    }
}
