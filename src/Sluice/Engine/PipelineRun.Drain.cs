namespace Sluice;

// How a run is drained, and what becomes of a source whose code does not come back.
public sealed partial class PipelineRun
{
    private static readonly TimeSpan TimeToNotice = TimeSpan.FromSeconds(1);

    private List<TaskCompletionSource>? leaving;     // under `sync`, as all that decides an ending
    private bool lettingGo;

    /// <summary>Stops the sources and lets everything that they have produced go through.</summary>
    /// <remarks>
    /// A source whose code does not come back when it is told to stop does not hold up what it has produced, but the end of the run: until
    /// it does come back, or the deadline has passed, or <see cref="RunOptions.StopTimeout"/> has. Then the run ends without it, and
    /// <see cref="StillRunning"/> names it. Whatever is under way at the deadline is cancelled as by <see cref="Cancel"/>; what has not ended
    /// one second after that (or the grace, where that is shorter) is left behind and named as well.
    /// </remarks>
    /// <param name="deadline">How long that may take before the rest is cancelled: zero or more; no limit unless given.</param>
    /// <returns>Whether all of it went through, also if a source did not come back; false if the deadline cancelled the rest.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is negative (but for <see cref="Timeout.InfiniteTimeSpan"/>), or more than 49 days. The drain has not begun.</exception>
    /// <exception cref="PipelineException">The run failed before or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled by somebody else before or meanwhile.</exception>
    /// <exception cref="InvalidOperationException">It was called inside of a function of this run. The drain has begun; but the function would wait for its own item if it awaited the end.</exception>
    public Task<bool> DrainAsync(TimeSpan? deadline = null)
    {
        if (deadline is { } limit && limit != Timeout.InfiniteTimeSpan) Waits.Check(limit, nameof(deadline));
        Task<bool> drained = DrainToEndAsync(deadline);
        if (!IsInside(this) || drained.IsCompleted) return drained;
        drained.Observed();
        var told = Task.FromException<bool>(new InvalidOperationException(
            "DrainAsync was called inside of a function of the run itself. The drain has begun, but it cannot be awaited there: the function would wait for its own item, without end. Await it outside, or leave out the await."));
        told.Observed();
        return told;
    }

    private async Task<bool> DrainToEndAsync(TimeSpan? deadline)
    {
        Drain(deadline);
        if (deadline is not { } limit) limit = Timeout.InfiniteTimeSpan;
        // Cancelled by the timer itself: a wait with a time limit would go on somewhere, some time after it.
        bool expired = false;
        await using (Time.CreateTimer(_ => expired = EndDrain(), null, limit, Timeout.InfiniteTimeSpan).ConfigureAwait(false))
        {
            await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (expired && Completion.IsCanceled) return false;
        await Completion.ConfigureAwait(false);
        return true;
    }

    /// <summary>A source has nothing more to put out, but its code has not come back: until it has, or nobody waits for it any more.</summary>
    internal async Task LeaveAsync(Task work, int node)
    {
        var left = new TaskCompletionSource();
        lock (sync)
        {
            if (lettingGo) left.SetResult();
            else (leaving ??= []).Add(left);
        }
        using (Time.CreateTimer(static left => ((TaskCompletionSource)left!).TrySetResult(), left, options.StopTimeout, Timeout.InfiniteTimeSpan))
            await Task.WhenAny(work, left.Task);
        lock (sync) leaving?.Remove(left);
        if (!work.IsCompleted) Abandon(work, node);
        else if (work.IsFaulted) await work;
    }

    /// <summary>How long code of a source may block its thread when no more is wanted, before the run goes on without it.</summary>
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

    /// <summary>The time for a drain is up: sources are not waited for any more, and what is under way is cancelled.</summary>
    /// <returns>Whether anything was.</returns>
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
        bool stopped = !isThrough && Stop(null);
        foreach (TaskCompletionSource left in letGo) left.TrySetResult();
        TimeSpan notice = options.StopTimeout < TimeToNotice ? options.StopTimeout : TimeToNotice;
        lock (sync)
        {
            // Code that has just been told gets a moment to notice, and no more: this is about a deadline.
            if (!ending) grace?.Change(notice, Timeout.InfiniteTimeSpan);
        }
        return stopped;
    }
}
