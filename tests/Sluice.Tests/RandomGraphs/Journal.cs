namespace Sluice.Tests.RandomGraphs;

/// <summary>The inputs and outputs of an operator in one run, with their times. Created while the run is built.</summary>
internal sealed class Journal<T>(Rig rig, string name)
{
    public Tap<long> In { get; } = new(rig, $"in front of {name}");

    public Tap<T> Out { get; } = new(rig, $"behind {name}");

    /// <summary>Returns the record after the run.</summary>
    /// <param name="isWhole">Whether the run came to a normal end.</param>
    public Observation<T> Observe(bool isWhole) => new(In.Passages, Out.Passages, In.End, isWhole, rig.Clock is not null);
}

/// <summary>The recorded behavior of an operator.</summary>
/// <param name="In">The inputs.</param>
/// <param name="Out">The outputs.</param>
/// <param name="End">When the input ended; null if it did not.</param>
/// <param name="IsWhole">Whether the run came to a normal end. Then the output is complete; otherwise it is a prefix.</param>
/// <param name="HasClock">Whether the clock was virtual.</param>
internal sealed record Observation<T>(
    IReadOnlyList<Passage<long>> In, IReadOnlyList<Passage<T>> Out, TimeSpan? End, bool IsWhole, bool HasClock)
{
    /// <summary>
    /// Whether the times are exactly those at which the operator acted. If the next stage makes the operator wait, it takes items
    /// later than they came. Without a virtual clock there are no exact times.
    /// </summary>
    public bool IsExact { get; } = HasClock && Out.All(passage => passage.TookNoTime);

    public IReadOnlyList<long> Arrivals { get; } = [.. In.Select(passage => passage.Value)];

    /// <summary>The due time or the end of the input, whichever is earlier.</summary>
    public TimeSpan NoLaterThanEnd(TimeSpan due) => End is { } end && end < due ? end : due;

    /// <summary>Compares the output with the expected output, in order. The output of a run that was cut short may end early.</summary>
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
