using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>The name and options of a step, which all its calls share. For code that <see cref="StepAttribute"/> generates.</summary>
/// <remarks>Thread-safe. Immutable, except for its concurrency limit and its memo.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class StepDefinition
{
    /// <summary>Defines a step.</summary>
    /// <param name="name">The name in drawings and messages.</param>
    /// <param name="takesToken">Whether its function takes a token.</param>
    /// <param name="retries">The number of retries, at least 0.</param>
    /// <param name="backoffMs">The pause before the first retry, in milliseconds, at least 0; it doubles with each retry.</param>
    /// <param name="timeoutMs">The time limit of an attempt in milliseconds; 0 for none.</param>
    /// <param name="maxConcurrency">The largest number of concurrent bodies, in all scopes together; 0 for no limit.</param>
    /// <param name="pure">The number of results kept per scope for calls with the same arguments; 0 for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public StepDefinition(string name, bool takesToken, int retries = 0, int backoffMs = 0, int timeoutMs = 0, int maxConcurrency = 0,
        int pure = 0)
        : this(name, takesToken, CallPolicy.None, null, null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfNegative(backoffMs);
        ArgumentOutOfRangeException.ThrowIfNegative(timeoutMs);
        ArgumentOutOfRangeException.ThrowIfNegative(maxConcurrency);
        ArgumentOutOfRangeException.ThrowIfNegative(pure);
        if (retries > 0) Policy = Policy with
        {
            Retries = retries,
            Backoff = backoffMs > 0
            ? Backoff.Exponential(TimeSpan.FromMilliseconds(backoffMs)) : Backoff.None
        };
        if (timeoutMs > 0) Policy = Policy with { Timeout = TimeSpan.FromMilliseconds(timeoutMs) };
        if (maxConcurrency > 0) Places = new(maxConcurrency);
        if (pure > 0) Memo = new(pure);
        IsPlain = HasNoPolicy && Memo is null;
    }

    private StepDefinition(string name, bool takesToken, CallPolicy policy, ConcurrencyLimit? places, StepMemo? memo)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, TakesToken, Policy, Places, Memo) = (name, takesToken, policy, places, memo);
        IsPlain = HasNoPolicy && memo is null;
    }

    internal string Name { get; }

    internal bool TakesToken { get; }

    internal CallPolicy Policy { get; }

    /// <summary>The concurrency limit; null for none.</summary>
    internal ConcurrencyLimit? Places { get; }

    /// <summary>The memo of a pure step; null if every call runs.</summary>
    internal StepMemo? Memo { get; }

    internal bool HasNoPolicy => ReferenceEquals(Policy, CallPolicy.None);

    /// <summary>Whether it has neither a policy nor a memo.</summary>
    internal bool IsPlain { get; }

    internal StepDefinition With(string? name = null, CallPolicy? policy = null, ConcurrencyLimit? places = null, StepMemo? memo = null)
        => new(name ?? Name, TakesToken, policy ?? Policy, places ?? Places, memo ?? Memo);

    internal IEnumerable<string> Describe()
    {
        foreach (string part in Policy.Describe()) yield return part;
        if (Places is not null) yield return $"limit {Places.Count}";
        if (Memo is not null) yield return "pure";
    }
}
