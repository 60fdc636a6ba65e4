namespace Sluice.Flows;

/// <content>
/// The counts of starts and attempts, in the row of the processor. A start counts for <see cref="SupervisorOptions.MaxStarts"/> while its
/// host may die of it: not while it waits for its slot or for the place where it runs, because then it may be another processor's fault.
/// The same holds for a function that was called without a value and has waited for its first one for
/// <see cref="SupervisorOptions.IdleStart"/>.
/// </content>
internal sealed partial class HostedProcessor
{
    /// <summary>Throws if this start is one too many.</summary>
    private void CheckStarts(Assignment current)
    {
        if (current.Fruitless < core.Options.MaxStarts) return;
        throw new FlowException(
            $"It was started {current.Fruitless:N0} {(current.Fruitless == 1 ? "time" : "times")} without progress, and each time its host "
                + "was gone before it had ended"
                + $"{(lastLoss is null ? "" : $"; the last time: {lastLoss.TrimEnd('.')}")} (SupervisorOptions.MaxStarts).");
    }

    /// <summary>The number of the failed attempt, from 1; progress resets it.</summary>
    private static int AttemptOf(Assignment begun, Assignment now)
    {
        bool hasMoved = now.State != begun.State || now.Inputs.Any(input => input.Value != begun.Inputs.GetValueOrDefault(input.Key));
        return hasMoved ? 1 : begun.Failures + 1;
    }

    /// <summary>Counts a failed attempt, and takes back its start, in one commit.</summary>
    private async Task RetryAsync(Assignment stored, bool isCounted, int attempt, ProcessorPlan plan, Exception e)
    {
        string error = StreamFailures.Of(e, Run, processor).Error;
        core.Warn(
            $"The processor {processor} of the run {Run} has failed in attempt {attempt:N0} of {plan.Retry!.Retries + 1:N0}, and is tried "
                + $"again: {error}");
        await CommitAsync(new(RunEventKind.Retrying, core.Options.Name, processor, error) { Attempt = attempt },
            TakenBack(stored, isCounted) with { Failures = attempt }, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Waits until a time since the last failed attempt has passed by the store's clock: an earlier host may have waited for a
    /// part of it, and timers stand still while a machine sleeps.</summary>
    private async Task PauseAsync(RunWatch watch, TimeSpan pause, CancellationToken cancellation)
    {
        DateTimeOffset? failed = null;
        foreach ((DateTimeOffset time, RunEvent happened) in watch.Events)
            if (happened.Kind == RunEventKind.Retrying && happened.Processor == processor) failed = time;
        long began = core.Options.Time.GetTimestamp();
        while (true)
        {
            TimeSpan left = pause - core.Options.Time.GetElapsedTime(began);
            if (left > TimeSpan.Zero && failed is { } at)
            {
                DateTimeOffset now = await core.Calls.DoAsync([], () => core.Calls.Store.GetTimeAsync(cancellation), cancellation)
                    .ConfigureAwait(false);
                if (at + pause - now is var due && due < left) left = due;
            }
            if (left <= TimeSpan.Zero) return;
            await Task.Delay(left < Longest ? left : Longest, core.Options.Time, cancellation).ConfigureAwait(false);
            if (left <= Longest) return;
        }
    }

    private Task HandOverAsync(Assignment stored, bool isCounted)
        => CommitAsync(new(RunEventKind.HandedOver, core.Options.Name, processor), TakenBack(stored, isCounted), CancellationToken.None);

    /// <summary>The row without its last start.</summary>
    private static Assignment TakenBack(Assignment stored, bool isCounted)
        => stored with { Starts = stored.Starts - 1, Fruitless = Math.Max(0, stored.Fruitless - (isCounted ? 1 : 0)) };
}
