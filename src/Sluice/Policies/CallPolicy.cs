namespace Sluice;

/// <summary>What is done about a call that fails or takes long. A value: changing it makes a new one.</summary>
internal sealed record CallPolicy
{
    public static CallPolicy None { get; } = new();

    public int Retries { get; init; }
    public Backoff Backoff { get; init; } = Backoff.None;
    public TimeSpan? Timeout { get; init; }

    /// <summary>As a reader of a picture wants them: "retry 3", "timeout 0:00:01".</summary>
    public IEnumerable<string> Describe()
    {
        if (Retries > 0) yield return $"retry {Retries}";
        if (Timeout is { } timeout) yield return $"timeout {timeout:g}";
    }
}
