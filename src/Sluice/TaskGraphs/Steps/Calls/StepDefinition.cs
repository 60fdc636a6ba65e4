using System.ComponentModel;

namespace Sluice;

/// <summary>What is common to all calls of a step: its name and its options. Made by the code that <see cref="StepAttribute"/> writes.</summary>
/// <remarks>Immutable, but for the count of its limit, which all its calls share. Thread-safe.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class StepDefinition
{
    /// <summary>Defines a step.</summary>
    /// <param name="name">Its name in pictures and messages.</param>
    /// <param name="takesToken">Whether its body can be stopped.</param>
    /// <param name="retries">How often it is tried again; 0 or more.</param>
    /// <param name="backoffMs">The wait before the first retry, which then doubles; in milliseconds, 0 or more.</param>
    /// <param name="timeoutMs">After how many milliseconds an attempt has failed; 0 for never.</param>
    /// <param name="limit">How many bodies may run at a time, in all scopes together; 0 for any number.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public StepDefinition(string name, bool takesToken, int retries = 0, int backoffMs = 0, int timeoutMs = 0, int limit = 0)
        : this(name, takesToken, CallPolicy.None, null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfNegative(backoffMs);
        ArgumentOutOfRangeException.ThrowIfNegative(timeoutMs);
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        if (retries > 0) Policy = Policy with { Retries = retries, Backoff = backoffMs > 0 ? Backoff.Exponential(TimeSpan.FromMilliseconds(backoffMs)) : Backoff.None };
        if (timeoutMs > 0) Policy = Policy with { Timeout = TimeSpan.FromMilliseconds(timeoutMs) };
        if (limit > 0) Places = new(limit);
    }

    private StepDefinition(string name, bool takesToken, CallPolicy policy, Places? places)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, TakesToken, Policy, Places) = (name, takesToken, policy, places);
    }

    internal string Name { get; }

    internal bool TakesToken { get; }

    internal CallPolicy Policy { get; }

    /// <summary>Null: any number.</summary>
    internal Places? Places { get; }

    internal bool IsPlain => ReferenceEquals(Policy, CallPolicy.None);

    internal StepDefinition With(string? name = null, CallPolicy? policy = null, Places? places = null) => new(name ?? Name, TakesToken, policy ?? Policy, places ?? Places);

    internal IEnumerable<string> Describe()
    {
        foreach (string part in Policy.Describe()) yield return part;
        if (Places is not null) yield return $"limit {Places.Count}";
    }
}
