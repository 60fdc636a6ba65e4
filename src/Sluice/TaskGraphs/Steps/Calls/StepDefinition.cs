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
    /// <param name="maxConcurrency">How many bodies may run at a time, in all scopes together; 0 for any number.</param>
    /// <param name="pure">How many results are kept in a scope, for calls with the same arguments; 0 for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public StepDefinition(string name, bool takesToken, int retries = 0, int backoffMs = 0, int timeoutMs = 0, int maxConcurrency = 0, int pure = 0)
        : this(name, takesToken, CallPolicy.None, null, null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfNegative(backoffMs);
        ArgumentOutOfRangeException.ThrowIfNegative(timeoutMs);
        ArgumentOutOfRangeException.ThrowIfNegative(maxConcurrency);
        ArgumentOutOfRangeException.ThrowIfNegative(pure);
        if (retries > 0) Policy = Policy with { Retries = retries, Backoff = backoffMs > 0 ? Backoff.Exponential(TimeSpan.FromMilliseconds(backoffMs)) : Backoff.None };
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

    /// <summary>Null: any number.</summary>
    internal ConcurrencyLimit? Places { get; }

    /// <summary>Null where each call runs.</summary>
    internal StepMemo? Memo { get; }

    internal bool HasNoPolicy => ReferenceEquals(Policy, CallPolicy.None);

    /// <summary>Whether there is nothing to do but to call the body.</summary>
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
