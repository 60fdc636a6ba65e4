using Sluice.Diagnostics;

namespace Sluice.Graphs;

public sealed partial class StepScope
{
    private volatile IReadOnlyList<string> stillRunning = [];
    private volatile List<(ICall Call, Task Completion)>? awaiting;

    /// <summary>
    /// The steps that <see cref="DisposeAsync"/> has abandoned, because they had not ended within
    /// <see cref="StepScopeOptions.StopTimeout"/>; empty before.
    /// </summary>
    public IReadOnlyList<string> StillRunning => stillRunning;

    /// <summary>Ends the scope: cancels the calls that have not ended, and waits for them. A warning names those that nobody awaits. Later
    /// calls in the scope are refused.</summary>
    /// <returns>
    /// A task that ends when no step of the scope runs any more, or after <see cref="StepScopeOptions.StopTimeout"/>. Steps that ignore
    /// their token are abandoned then, and <see cref="StillRunning"/> names them.
    /// It does not fail with failures of steps: unobserved ones are reported as outside of scopes. A step that disposes of a scope lends
    /// its permits meanwhile.
    /// </returns>
    /// <exception cref="InvalidOperationException">The calling step belongs to the scope, so it would wait for itself.</exception>
    /// <exception cref="AggregateException">A callback registered with the token of a running step has thrown; everything was cancelled
    /// nevertheless.</exception>
    public ValueTask DisposeAsync()
    {
        IBody? body = CurrentCall.Body;
        RefuseOwnSteps(body);
        if (ReferenceEquals(OfFlow.Value, this))
        {
            StepScope? around = outer;               // an outer scope may have ended before
            while (around is { isDisposed: true }) around = around.outer;
            OfFlow.Value = around;
        }
        return new(EndAsync(body?.Permit));
    }

    /// <summary>Notes that a body awaits the end of the scope.</summary>
    internal void AwaitFrom(IBody? body, Task completion)
    {
        RefuseOwnSteps(body);
        if (body?.Call is not { IsRunning: true } call) return;
        call.CountAwaits(1);                         // never counted down: it only enables the search for circles
        lock (sync)
        {
            awaiting ??= [];
            if (awaiting.Count >= 32) awaiting.RemoveAll(static each => each.Completion.IsCompleted || !each.Call.IsRunning);
            awaiting.Add((call, completion));
        }
        try
        {
            WaitCircle.Refuse(body, this);
        }
        catch (InvalidOperationException)            // it does not wait
        {
            lock (sync) awaiting.Remove((call, completion));
            throw;
        }
    }

    /// <summary>The calls whose bodies await the end of the scope.</summary>
    internal ICall[] AwaitedBy()
    {
        if (awaiting is null) return [];
        lock (sync)
        {
            awaiting.RemoveAll(static each => each.Completion.IsCompleted || !each.Call.IsRunning);
            return [.. awaiting.Select(each => each.Call)];
        }
    }

    /// <summary>Throws if the body belongs to a running call of this scope.</summary>
    internal void RefuseOwnSteps(IBody? body)
    {
        if (body?.Call is not { IsRunning: true } call || !ReferenceEquals(call.Scope, this)) return;
        throw new InvalidOperationException(
            $"{call.Name} waits for the end of the scope that it belongs to, which waits for {call.Name}. Await the futures of what it "
                + $"has called, or begin a scope inside the step and await that.");
    }

    private async Task EndAsync(LimitPermit? permit)
    {
        TaskCompletionSource? end = null;
        string? dropped = null;
        bool cuts;
        lock (sync)
        {
            // After a failure, the code would have awaited the others next.
            if (outstanding > 0 && !IsCancelling && failures.Count == 0) dropped = WhatIsDropped();
            if (outstanding > 0) end = leaving ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            else if (isDisposed) return;
            // Calls that have ended, and only tell their failures, are awaited: to cancel the scope would cancel its Completion.
            cuts = newest is not null || Volatile.Read(ref inner) > 0;
            if (outstanding == 0 || !cuts) isDisposed = true;
            if (outstanding == 0 && Volatile.Read(ref inner) > 0)
            {
                end = new();
                end.SetResult();
            }
        }
        if (dropped is not null) Warnings.Tell(dropped);
        try
        {
            if (end is not null) await EndCallsAsync(end, permit, cuts).ConfigureAwait(Scheduler.IsSerial);
        }
        finally
        {
            lock (sync)
            {
                isDisposed = true;
                if (outstanding > 0) stillRunning = NamesOfOutstanding();
            }
            fromOutside.Unregister();
            if (fromOuter.Unregister()) Interlocked.Decrement(ref outer!.inner);
            GiveUpFailures();
            TellWatchers();
        }
    }

    /// <summary>Cancels the calls and the inner scopes, if there are any. Waits for the end of the calls and for the callbacks of the
    /// tokens, for the stop timeout at most.</summary>
    private async Task EndCallsAsync(TaskCompletionSource end, LimitPermit? permit, bool cuts)
    {
        var limit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Before user code is told, which may block its thread.
        using ITimer timer = Time.CreateTimer(_ =>
        {
            limit.TrySetResult();
            end.TrySetResult();
        }, null, options.StopTimeout, Timeout.InfiniteTimeSpan);
        Task told = !cuts ? Task.CompletedTask : Scheduler.IsSerial ? CancelHere() : stop.CancelAsync();
        if (!end.Task.IsCompleted)
        {
            permit?.Leave();
            await end.Task.ConfigureAwait(Scheduler.IsSerial);
            if (permit is not null) await new Resumption(permit.Scheduler, permit);
        }
        if (!told.IsCompleted) await Task.WhenAny(told, limit.Task).ConfigureAwait(false);
        if (told.IsCompleted) await told.ConfigureAwait(Scheduler.IsSerial);
        else _ = told.ContinueWith(static late => _ = late.Exception, TaskScheduler.Default);
    }

    private Task CancelHere()
    {
        try
        {
            Cancel();
            return Task.CompletedTask;
        }
        catch (AggregateException e)
        {
            return Task.FromException(e);
        }
    }

    /// <summary>Says which outstanding calls nobody awaits; null if there are none. Call it under the lock.</summary>
    private string? WhatIsDropped()
    {
        const int MaxNames = 5;
        int count = 0;
        HashSet<string> names = [];
        for (ICall? call = newest; call is not null; call = call.Behind)
        {
            if (call is not Future { IsDropped: true }) continue;
            count++;
            if (names.Count <= MaxNames) names.Add(call.Name);
        }
        if (count == 0) return null;
        string all = string.Join(", ", names.Take(MaxNames)) + (names.Count > MaxNames ? ", …" : "");
        (string what, string are) = count == 1 ? ("a call", "it is") : ($"{count:N0} calls", "they are");
        return $"A scope of steps was left before {what} that nobody awaits had ended, so {are} cancelled: {all}. Await scope.Completion "
            + $"first if {are} to end.";
    }

    /// <summary>The steps of outstanding calls, in the order of the calls; call it under the lock.</summary>
    private string[] NamesOfOutstanding()
    {
        List<string> names = [];
        for (ICall? call = newest; call is not null; call = call.Behind) names.Add(call.Name);
        names.Reverse();
        return [.. names.Distinct()];
    }
}
