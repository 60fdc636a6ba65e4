namespace Sluice.Graphs;

public sealed partial class StepScope
{
    private const int MaxKept = 1000;               // unobserved failures

    private readonly List<Failure> failures = [];
    private int prunesAt = 16;
    private ConditionalWeakTable<Task, Failure>? ofTasks;

    /// <summary>The failure of a task that became a future in the scope: one, however often it was converted, so that awaiting one of its
    /// futures observes it, and it is reported once.</summary>
    /// <remarks>A cancellation is a failure unless the scope was cancelled: an HttpClient, for example, reports its timeout as one. A task
    /// that its token ends may be a failed one: <see cref="Task.Run(Action)"/> without the token makes such tasks.</remarks>
    internal Failure FailureOf(Task task, string name, Exception cause)
        => LazyInitializer.EnsureInitialized(ref ofTasks, static () => []).GetValue(
            task, _ => new(name, cause, cause is OperationCanceledException && IsCancelling));

    /// <summary>Keeps the failure of a task that was converted to a future in the scope.</summary>
    internal void OnTaskFailed(Failure failure)
    {
        List<Failure>? tooMany = null;
        bool isOver;
        lock (sync)
        {
            isOver = isDisposed;
            if (!isOver) tooMany = Keep(failure);
        }
        if (isOver) failure.Watch();
        TellFailures(tooMany);
    }

    /// <summary>Keeps a failure that may stay unobserved; call it under the lock.</summary>
    /// <returns>Failures that are too many to be kept: tell them to the handler, outside of the lock. Null if there are none.</returns>
    private List<Failure>? Keep(Failure failure)
    {
        failures.Add(failure);
        if (failures.Count < prunesAt) return null;
        failures.RemoveAll(kept => kept.IsObserved);
        List<Failure>? tooMany = null;
        if (failures.Count >= MaxKept)
        {
            // The first half stays: the first failures name the cause most often.
            tooMany = failures[(MaxKept / 2)..];
            failures.RemoveRange(MaxKept / 2, tooMany.Count);
            if (options.OnUnobservedFailure is null)
            {
                foreach (Failure one in tooMany) one.Watch();
                tooMany = null;
            }
        }
        prunesAt = Math.Max(16, Math.Min(MaxKept, failures.Count * 2));
        return tooMany;
    }

    /// <summary>Takes the failures for the handler if the last outstanding call is about to end; call it under the lock.</summary>
    /// <returns>Failures to be told outside of the lock. Null if there are none.</returns>
    private List<Failure>? TakeAtEnd()
    {
        if (outstanding > 1 || failures.Count == 0 || options.OnUnobservedFailure is null) return null;
        List<Failure> all = [.. failures];
        failures.Clear();
        return all;
    }

    /// <summary>Ends the completion: with the unobserved failures, as cancelled, or successfully.</summary>
    private void Judge(TaskCompletionSource end)
    {
        List<Failure> unseen;
        lock (sync)
        {
            unseen = Unseen();
            if (ReferenceEquals(end, given)) ofGiven = unseen;
        }
        if (unseen.Count > 0)
        {
            // From here on the task reports them if it is not observed. They stay in the list, so that a later Completion has them, too.
            foreach (Failure failure in unseen) failure.HandOver();
            end.SetException(unseen.Select(failure => failure.Exception));
        }
        else if (cancelling is not null) end.SetCanceled(CancelledBy);
        else end.SetResult();
    }

    /// <summary>The failures with which a Completion fails now; call it under the lock.</summary>
    private List<Failure> Unseen()
        => options.OnUnobservedFailure is null ? [.. failures.Where(failure => !failure.IsObserved)] : [];

    /// <summary>Passes unobserved failures to the handler, each once.</summary>
    private void TellFailures()
    {
        List<Failure> all;
        lock (sync)
        {
            all = [.. failures];
            failures.Clear();
        }
        TellFailures(all);
    }

    private void TellFailures(List<Failure>? all)
    {
        if (all is null) return;
        foreach (Failure failure in all)
        {
            if (failure.IsObserved) continue;
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
            (given, ofGiven) = (rest, null);          // a failed one reports what is unobserved once it is collected
        }
    }
}
