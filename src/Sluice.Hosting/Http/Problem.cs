namespace Sluice.Hosting;

/// <summary>Why a request is refused, for its sender (RFC 9457).</summary>
/// <param name="Status">The status code.</param>
/// <param name="Detail">What happened, and what to do.</param>
internal sealed record Problem(int Status, string Detail)
{
    /// <summary>The line of the body, from one, where it is about one.</summary>
    public long? Line { get; init; }

    /// <summary>The byte in that line, from one.</summary>
    public long? Byte { get; init; }

    /// <summary>The field, as a JSON path.</summary>
    public string? Field { get; init; }

    /// <summary>When to send it again.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>A request is refused; nothing was accepted.</summary>
internal sealed class RefusedException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem => problem;
}
