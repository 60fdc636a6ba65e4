using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Options of steps that <see cref="Step"/> has made. Each method returns a changed copy of the step.</summary>
public static partial class StepOptions
{
    private static TStep Add<TStep>(TStep step, After after) where TStep : Delegate
        => FunctionStep.Change(step, known => known.With(known.Definition, after.And(known.After)));

    private static TStep Add<TStep>(TStep step, After futures, bool evenIfFailed) where TStep : Delegate
    {
        ArgumentNullException.ThrowIfNull(futures);
        return Add(step, evenIfFailed ? global::Sluice.Graphs.After.EvenIfFailed(futures.Futures) : futures);
    }

    private static TStep Set<TStep>(TStep step, int retries, Backoff? backoff) where TStep : Delegate
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        return Set(step, policy => policy with { Retries = retries, Backoff = backoff ?? Backoff.None });
    }

    private static TStep Set<TStep>(TStep step, TimeSpan limit) where TStep : Delegate
    {
        Waits.CheckLimit(limit);
        return Set(step, policy => policy with { Timeout = limit });
    }

    private static TStep Set<TStep>(TStep step, Func<CallPolicy, CallPolicy> change) where TStep : Delegate
        => FunctionStep.Change(step, known => known.With(known.Definition.With(policy: change(known.Definition.Policy)), known.After));

    private static TStep Set<TStep>(TStep step, int maxConcurrency) where TStep : Delegate
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConcurrency, 1);
        return FunctionStep.Change(step, known => known.With(known.Definition.With(places: new(maxConcurrency)), known.After));
    }

    private static TStep SetPure<TStep>(TStep step, int capacity) where TStep : Delegate
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        return FunctionStep.Change(step, known => known.With(known.Definition.With(memo: new(capacity)), known.After));
    }

    private static TStep Set<TStep>(TStep step, string name) where TStep : Delegate
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return FunctionStep.Change(step, known => known.With(known.Definition.With(name: name), known.After));
    }
}
