using Sluice.Diagnostics;

namespace Sluice.Policies;

/// <summary>The combined annotations of a stage. Immutable.</summary>
internal sealed record StageOptions
{
    public static StageOptions Default { get; } = new();

    public string? Name { get; init; }
    public int Parallel { get; init; } = 1;
    public bool Ordered { get; init; } = true;

    /// <summary>Whether the lanes have their own threads.</summary>
    public bool Blocks { get; init; }

    /// <summary>The number of lanes that a KeyBy before the stage creates; for drawings.</summary>
    public int KeyedLanes { get; init; }

    /// <summary>The number of lanes.</summary>
    public int Lanes => Math.Max(1, Math.Max(Parallel, KeyedLanes));

    public int? Buffer { get; init; }
    public int Retries { get; init; }
    public Backoff Backoff { get; init; } = Backoff.None;
    public TimeSpan? Timeout { get; init; }
    public ErrorPolicy OnError { get; init; }

    /// <summary>Whether a list that failed for good is split until the failing item is alone.</summary>
    public bool Bisects { get; init; }

    public Action<ItemLogEntry>? Log { get; init; }

    /// <summary>Whether an item may be attempted again, timed out or dropped, so that its outputs must be held back.</summary>
    public bool HasPolicy => Retries > 0 || Timeout is not null || OnError != ErrorPolicy.Stop || Bisects;

    /// <summary>Whether items leave the stage's thread here, in a run with several threads.</summary>
    public bool CrossesThreads => Parallel > 1 || Blocks || Buffer is not null;

    /// <summary>The annotations as labels in a drawing: "parallel 8", "retry 3".</summary>
    public IEnumerable<string> Describe()
    {
        if (Parallel > 1) yield return Ordered ? $"parallel {Parallel}" : $"parallel {Parallel}, unordered";
        if (Blocks) yield return "blocking";
        if (KeyedLanes > 0) yield return $"by key, {KeyedLanes} lanes";
        if (Retries > 0) yield return $"retry {Retries}";
        if (Timeout is { } timeout) yield return $"timeout {DurationText.Of(timeout)}";
        if (Bisects) yield return "bisects";
        if (OnError != ErrorPolicy.Stop) yield return OnError == ErrorPolicy.Skip ? "skips failures" : "dead-letters failures";
        if (Buffer is { } buffer) yield return $"buffer {buffer}";
    }
}
