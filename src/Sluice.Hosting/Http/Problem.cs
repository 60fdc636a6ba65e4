namespace Sluice.Hosting;

/// <summary>Why a request is refused, as a problem detail for the client (RFC 9457).</summary>
/// <param name="Status">The status code.</param>
/// <param name="Detail">What happened, and how to correct it.</param>
internal sealed record Problem(int Status, string Detail)
{
    /// <summary>The line of the body, from 1; null if the problem has none.</summary>
    public long? Line { get; init; }

    /// <summary>The byte in that line, from 1.</summary>
    public long? Byte { get; init; }

    /// <summary>The field, as a JSON path.</summary>
    public string? Field { get; init; }

    /// <summary>The time after which to send the request again.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Thrown if a request is refused; none of its items was accepted.</summary>
internal sealed class RefusedException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem => problem;
}
