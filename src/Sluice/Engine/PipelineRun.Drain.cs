using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice;

// The drain of a run, and sources whose code does not return.
public sealed partial class PipelineRun
{
    private static readonly TimeSpan TimeToNotice = TimeSpan.FromSeconds(1);

    private List<TaskCompletionSource>? leaving;     // under `sync`, like everything that decides how the run ends
    private bool lettingGo;

    /// <summary>Stops the sources and lets every item that they have produced go through.</summary>
    /// <remarks>
    /// A source whose code ignores the stop does not hold back its items, but it delays the end of the run: until the code returns, the
    /// deadline passes, or <see cref="RunOptions.StopTimeout"/> passes. Then the run ends without that source, and
    /// <see cref="StillRunning"/> names it. At the deadline the run is cancelled as by <see cref="CancelAsync"/>. Code that has not
    /// ended one second later (or <see cref="RunOptions.StopTimeout"/> later, if that is shorter) is left behind and named as well.
    /// </remarks>
    /// <param name="deadline">How long the run may take to end: zero or more, at most 49 days; no limit unless given, or if it is
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellation">Ends the wait as if the deadline had passed: the rest is cancelled. A host passes its shutdown
    /// token.</param>
    /// <returns>Whether every item went through, also if a source did not return; false if the deadline or the token cancelled the
    /// rest.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is out of range. The stop has not begun.</exception>
    /// <exception cref="PipelineException">The run failed before or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled by another call before or meanwhile.</exception>
    /// <exception cref="InvalidOperationException">
    /// It was called inside a function of this run, or by work that such a function has started (<c>Task.Run</c>, a timer) without
    /// <see cref="ExecutionContext.SuppressFlow"/>. The stop has begun, but the function would wait for its own item if it awaited the end.
    /// </exception>
    public Task<bool> StopAsync(TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        if (deadline is { } limit && limit != Timeout.InfiniteTimeSpan) Waits.Check(limit, nameof(deadline));
        return OutsideOnly(StopToEndAsync(deadline, cancellation), "StopAsync", "stop");
    }

    /// <summary>Stops now: sources end, items in flight are given up, and the token that user code was given is cancelled.</summary>
    /// <remarks>The run is cancelled when this returns; the task completes when the run has ended. It never fails: await
    /// <see cref="Completion"/> for the outcome.</remarks>
    /// <param name="reason">Why, for people: <see cref="RunSnapshot.CancelReason"/>. The first call that cancels the run decides.</param>
    /// <exception cref="InvalidOperationException">
    /// It was called inside a function of this run, or by work that such a function has started (<c>Task.Run</c>, a timer) without
    /// <see cref="ExecutionContext.SuppressFlow"/>. The run is cancelled, but the function would wait for itself if it awaited the end.
    /// </exception>
    public Task CancelAsync(string reason = "")
    {
        ArgumentNullException.ThrowIfNull(reason);
        Stop(null, reason);
        return OutsideOnly(EndedAsync("cancelled"), "CancelAsync", "cancellation");
    }

    /// <summary>The same without the wait.</summary>
    internal void Cancel() => Stop(null);

    /// <summary>What a function of the run itself is told that waits for the run's end.</summary>
    private Task<bool> OutsideOnly(Task<bool> ended, string method, string what)
    {
        if (!IsInside(this) || ended.IsCompleted) return ended;
        _ = ended.Observed();
        var told = Task.FromException<bool>(new InvalidOperationException(
            $"{method} was called inside of a function of the run itself. The {what} has begun, but it cannot be awaited there: "
            + $"the function would wait for its own item, without end. Await it outside, or leave out the await. {OfStarted}"));
        _ = told.Observed();
        return told;
    }

    // Asks for the end, but not for how it ended: a failure that nobody else asks for is told as a warning.
    private async Task<bool> EndedAsync(string how)
    {
        await CompletionTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (failure is not null && !wasAskedFor && !Interlocked.Exchange(ref hasTold, true))
            Warnings.Tell(
                $"A run has failed and was {how}, and nothing has asked for its Completion, which fails with this: {failure.Message}");
        return true;
    }

    private async Task<bool> StopToEndAsync(TimeSpan? deadline, CancellationToken cancellation)
    {
        Drain(deadline);
        if (deadline is not { } limit) limit = Timeout.InfiniteTimeSpan;
        // The timer itself cancels: a wait with a time limit would resume at some later time, on some thread.
        bool expired = false;
        await using (Time.CreateTimer(_ => Expire(), null, limit, Timeout.InfiniteTimeSpan).ConfigureAwait(false))
        await using (cancellation.UnsafeRegister(_ => Expire(), null).ConfigureAwait(false))
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (Volatile.Read(ref expired) && Completion.IsCanceled) return false;
        await Completion.ConfigureAwait(false);
        return true;

        void Expire()
        {
            if (EndDrain()) Volatile.Write(ref expired, true);
        }
    }

    /// <summary>
    /// Waits for the code of a source that has no more items but has not returned, until it returns or its wait is given up. If the code
    /// fails while the run drains, the run fails at its end: what the source has produced goes through.
    /// </summary>
    internal async Task LeaveAsync(Task work, int node)
    {
        var left = new TaskCompletionSource();
        lock (sync)
        {
            if (lettingGo) left.SetResult();
            else (leaving ??= []).Add(left);
        }
        using (Time.CreateTimer(static left => ((TaskCompletionSource)left!).TrySetResult(), left, options.StopTimeout,
            Timeout.InfiniteTimeSpan))
            await Task.WhenAny(work, left.Task);
        lock (sync) leaving?.Remove(left);
        if (!work.IsCompleted) Abandon(work, node);
        else if (work.Exception is { InnerException: { } cause } && !FailAtEnd(cause, node)) Fail(cause, node);
    }

    /// <summary>How long a stopped source may block its thread before the run continues without it.</summary>
    internal TimeSpan MomentToComeBack { get; private set; }

    private void Drain(TimeSpan? deadline)
    {
        if (deadline is { } limit && limit >= TimeSpan.Zero && limit / 2 < MomentToComeBack) MomentToComeBack = limit / 2;
        CancellationTokenSource? source;
        lock (sync)
        {
            draining = true;
            source = sourceStopSource;
        }
        foreach (Pump pump in pumps) (pump as IUpstream)?.Stop();
        CancelQuietly(source);
    }

    /// <summary>Ends the drain at its deadline: sources are not awaited any longer, and items in flight are cancelled.</summary>
    /// <returns>Whether anything was cancelled.</returns>
    private bool EndDrain()
    {
        TaskCompletionSource[] letGo;
        lock (sync)
        {
            lettingGo = true;
            letGo = leaving?.ToArray() ?? [];
        }
        bool isThrough = true;
        foreach (Pump pump in pumps) isThrough &= pump.IsEnded || pump.IsLeaving;
        // A deadline counts here: code that was just cancelled gets only a short time to notice.
        TimeSpan notice = options.StopTimeout < TimeToNotice ? options.StopTimeout : TimeToNotice;
        bool stopped = !isThrough && Stop(null, notice: notice);
        foreach (TaskCompletionSource left in letGo) left.TrySetResult();
        lock (sync)
        {
            if (!ending && grace is null && isThrough)       // only the ends of nodes are left
                grace = Time.CreateTimer(static run => ((PipelineRun)run!).End(), this, notice, Timeout.InfiniteTimeSpan);
            else if (!ending && !stopped) grace?.Change(notice, Timeout.InfiniteTimeSpan);
        }
        return stopped;
    }
}
