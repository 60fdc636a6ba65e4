using System.Text;

namespace Sluice.Tests.RandomGraphs;

/// <summary>How a step waits before it returns.</summary>
internal enum Pace
{
    AtOnce,
    Yield,
    YieldTwice,
    Delay,
}

/// <summary>The annotations of a step, and which items fail and how often.</summary>
internal sealed record Policy
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(20);

    public int Parallel { get; init; } = 1;
    public bool Unordered { get; init; }
    public int KeyLanes { get; init; }
    public int Keys { get; init; } = 1;
    public int? Buffer { get; init; }
    public int Retries { get; init; }
    public ErrorPolicy OnError { get; init; }

    /// <summary>About one of this many items fails; 0: no item fails.</summary>
    public int FailsEvery { get; init; }

    /// <summary>How often such an item fails.</summary>
    public int Failures { get; init; }

    /// <summary>Whether each attempt has a time limit. No attempt comes near it.</summary>
    public bool HasTimeout { get; init; }

    public bool IsGuarded => HasTimeout || Retries > 0 || OnError != ErrorPolicy.Stop;

    public bool IsFatal => FailsEvery > 0 && Failures > Retries && OnError == ErrorPolicy.Stop;

    /// <summary>How many items this step adds to its own queue. <see cref="NextQueue"/> is for the next step.</summary>
    public int OwnQueue(int capacity) => KeyLanes > 0 ? KeyLanes * capacity : Parallel > 1 ? Math.Max(capacity, Parallel) : 0;

    public int NextQueue(int capacity) => (KeyLanes > 1 ? KeyLanes * capacity : 0) + (Buffer ?? 0);

    public int FailuresOf(long value, int id) => FailsEvery > 0 && Mixing.Roll(value, ~id, FailsEvery) == 0 ? Failures : 0;

    public long KeyOf(long value, int id) => Mixing.Roll(value, -id - 1000, Keys);

    public Source<long> Key(Source<long> source, int id)
        => KeyLanes == 0 ? source : source | Stage.KeyBy((long value) => KeyOf(value, id), KeyLanes);

    public Source<T> Annotate<T>(Source<T> source, string name)
    {
        source = source.Annotate(Stage.Named(name));
        if (Parallel > 1) source = source.Annotate(Stage.Parallel(Parallel));
        if (Unordered) source = source.Annotate(Stage.Unordered);
        if (Buffer is { } capacity) source = source.Annotate(Stage.Buffer(capacity));
        if (Retries > 0) source = source.Annotate(Stage.Retry(Retries, Backoff.None));
        if (HasTimeout) source = source.Annotate(Stage.Timeout(Never));
        if (OnError != ErrorPolicy.Stop) source = source.Annotate(Stage.OnError(OnError));
        return source;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        if (KeyLanes > 0) text.Append($" keyBy({Keys} keys, {KeyLanes} lanes)");
        if (Parallel > 1) text.Append($" parallel({Parallel}{(Unordered ? ", unordered" : "")})");
        if (Buffer is { } capacity) text.Append($" buffer({capacity})");
        if (Retries > 0) text.Append($" retry({Retries})");
        if (HasTimeout) text.Append(" timeout");
        if (OnError != ErrorPolicy.Stop) text.Append($" onError({OnError})");
        if (FailsEvery > 0) text.Append($" [1 of {FailsEvery} fails {Failures} times]");
        return text.ToString();
    }

    /// <summary>Simpler policies: each lacks one setting.</summary>
    public IEnumerable<Policy> Simpler()
    {
        if (FailsEvery > 0) yield return this with { FailsEvery = 0, Failures = 0 };
        if (Parallel > 2) yield return this with { Parallel = 2 };
        if (Parallel > 1) yield return this with { Parallel = 1, Unordered = false };
        if (KeyLanes > 0) yield return this with { KeyLanes = 0, Keys = 1 };
        if (Buffer is not null) yield return this with { Buffer = null };
        if (HasTimeout) yield return this with { HasTimeout = false };
        if (IsGuarded && FailsEvery == 0) yield return this with { Retries = 0, OnError = ErrorPolicy.Stop };
    }
}
