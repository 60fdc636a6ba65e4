namespace Sluice.Graphs;

public sealed partial class StepScope
{
    private const int MaxKept = 1000;               // unobserved failures; older ones are reported as outside of scopes

    private readonly List<Failure> failures = [];
    private int prunesAt = 16;

    /// <summary>Keeps a failure that may stay unobserved; call it under the lock.</summary>
    private void Keep(Failure failure)
    {
        failures.Add(failure);
        if (failures.Count < prunesAt) return;
        failures.RemoveAll(kept => kept.IsObserved);
        if (failures.Count >= MaxKept)
        {
            foreach (Failure old in failures[..(MaxKept / 2)]) old.Watch();
            failures.RemoveRange(0, MaxKept / 2);
        }
        prunesAt = Math.Max(16, Math.Min(MaxKept, failures.Count * 2));
    }

    /// <summary>Ends the completion: with the unobserved failures, as cancelled, or successfully.</summary>
    private void Judge(TaskCompletionSource end)
    {
        List<Failure> unseen;
        lock (sync) unseen = [.. failures.Where(failure => !failure.IsObserved)];
        if (unseen.Count > 0 && options.OnUnobservedFailure is null)
        {
            // From here on the task reports them if it is not observed. They stay in the list, so that a later Completion has them, too.
            foreach (Failure failure in unseen) failure.HandOver();
            end.SetException(unseen.Select(failure => failure.Exception));
        }
        else if (cancelling is not null) end.SetCanceled(CancelledBy);
        else end.SetResult();
    }

    /// <summary>Passes unobserved failures to the handler, each once.</summary>
    private void TellFailures()
    {
        List<Failure> unseen;
        lock (sync)
        {
            unseen = [.. failures.Where(failure => !failure.IsObserved)];
            failures.Clear();
        }
        foreach (Failure failure in unseen)
        {
            try
            {
                options.OnUnobservedFailure!(new(failure.Step, failure.Exception));
                failure.Observe();
            }
            catch (Exception e)                      // reported like a failure without a handler
            {
                failure.Watch();
                new Failure(nameof(StepScopeOptions.OnUnobservedFailure), e, isCancellation: false).Watch();
            }
        }
    }

    /// <summary>Reports unobserved failures at the end of the scope.</summary>
    private void GiveUpFailures()
    {
        if (options.OnUnobservedFailure is not null)
        {
            TellFailures();
            return;
        }
        lock (sync)
        {
            foreach (Failure failure in failures) failure.Watch();
            failures.Clear();
        }
    }
}
