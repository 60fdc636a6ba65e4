namespace Sluice.Policies;

/// <summary>The handling of calls that fail or take long. Immutable.</summary>
internal sealed record CallPolicy
{
    public static CallPolicy None { get; } = new();

    public int Retries { get; init; }
    public Backoff Backoff { get; init; } = Backoff.None;
    public TimeSpan? Timeout { get; init; }

    /// <summary>The policy as labels in a drawing: "retry 3", "timeout 1 s".</summary>
    public IEnumerable<string> Describe()
    {
        if (Retries > 0) yield return $"retry {Retries}";
        if (Timeout is { } timeout) yield return $"timeout {DurationText.Of(timeout)}";
    }
}
