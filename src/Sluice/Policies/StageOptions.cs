namespace Sluice;

/// <summary>What the annotations of a stage add up to. A value: annotating makes a new one.</summary>
internal sealed record StageOptions
{
    public static StageOptions Default { get; } = new();

    public string? Name { get; init; }
    public int Parallel { get; init; } = 1;
    public bool Ordered { get; init; } = true;

    /// <summary>Whether its lanes have threads of their own.</summary>
    public bool Blocks { get; init; }

    /// <summary>How many lanes a KeyBy in front of the stage makes; for pictures.</summary>
    public int KeyedLanes { get; init; }

    public int? Buffer { get; init; }
    public int Retries { get; init; }
    public Backoff Backoff { get; init; } = Backoff.None;
    public TimeSpan? Timeout { get; init; }
    public ErrorPolicy OnError { get; init; }

    /// <summary>Whether a list that has failed for good is divided, until what fails is alone.</summary>
    public bool Bisects { get; init; }

    public Action<ItemLogEntry>? Log { get; init; }

    /// <summary>Whether an item may be attempted again, timed out or dropped, so that its outputs must be held back.</summary>
    public bool HasPolicy => Retries > 0 || Timeout is not null || OnError != ErrorPolicy.Stop || Bisects;

    /// <summary>Whether items leave the stage's thread here when the run has several.</summary>
    public bool CrossesThreads => Parallel > 1 || Blocks || Buffer is not null;

    /// <summary>The annotations as a reader of a picture wants them: "parallel 8", "retry 3".</summary>
    public IEnumerable<string> Describe()
    {
        if (Parallel > 1) yield return Ordered ? $"parallel {Parallel}" : $"parallel {Parallel}, unordered";
        if (Blocks) yield return "blocking";
        if (KeyedLanes > 0) yield return $"by key, {KeyedLanes} lanes";
        if (Retries > 0) yield return $"retry {Retries}";
        if (Timeout is { } timeout) yield return $"timeout {timeout:g}";
        if (Bisects) yield return "bisects";
        if (OnError != ErrorPolicy.Stop) yield return OnError == ErrorPolicy.Skip ? "skips failures" : "dead-letters failures";
        if (Buffer is { } buffer) yield return $"buffer {buffer}";
    }
}
